"""Runs the claims (unittest cases) of a test program and ends with `N passed, N failed, N skipped`."""

import sys
import unittest


def run_claims(module="__main__", words=None, after_success=None):
    """Runs every claim of the module, or those named by `words` (Class or Class.test); then exits.

    A claim that fails in several of its subtests counts once. `after_success` runs when none failed.
    """
    loader = unittest.defaultTestLoader
    words = sys.argv[1:] if words is None else words
    loaded = sys.modules[module]
    suite = loader.loadTestsFromNames(words, loaded) if words else loader.loadTestsFromModule(loaded)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    for claim, reason in result.skipped:
        print(f"skipped: {claim}: {reason}")
    faults = [getattr(claim, "test_case", claim) for claim, _ in result.failures + result.errors]
    failed = len({claim.id() for claim in faults}) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    if result.testsRun == 0:
        failed = 1
    passed = max(0, result.testsRun - failed - skipped)
    if after_success and not failed:
        after_success()
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed else 0)
