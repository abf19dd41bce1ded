"""Runs the claims (unittest cases) of a test program and ends with `N passed, N failed, N skipped`."""

import sys
import unittest


def run_claims(module="__main__", words=None):
    """Runs every claim of the module, or those named by `words` (Class or Class.test); then exits."""
    loader = unittest.defaultTestLoader
    words = sys.argv[1:] if words is None else words
    loaded = sys.modules[module]
    suite = loader.loadTestsFromNames(words, loaded) if words else loader.loadTestsFromModule(loaded)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    for claim, reason in result.skipped:
        print(f"skipped: {claim}: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    if result.testsRun == 0:
        failed = 1
    passed = max(0, result.testsRun - failed - skipped)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed else 0)
