"""The server that tests/cluster/run was told to test."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "harness"))

from server import Server  # noqa: E402


def new_server(**options):
    """A Server of the build or program under test, not started."""
    return Server(
        build=os.environ.get("ORPHEUS_TEST_BUILD") or "dev",
        program=os.environ.get("ORPHEUS_TEST_PROGRAM") or None,
        **options,
    )
