"""Nodes come and go under load, and nobody who asks as the API tells them to is refused: 1 to 3 to 5 nodes
and back, a node whose disk is lost, one restart after the other. The ledger checks that nothing was lost
and nothing done twice."""

import contextlib
import random
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for
from workload_patient import PatientLedger

QUIET_SECONDS = 5  # of load with nothing happening, to compare with
ADDED_P999_SECONDS = 0.150  # issue 6


@contextlib.contextmanager
def under_load(claim, server, seed):
    """The ledger while the block runs; then its checks, and that no call failed."""
    load = PatientLedger(server, random.Random(seed))
    load.begin()
    try:
        yield load
    finally:
        complaints = load.end()
        print(f"{claim.id().rsplit('.', 1)[1]}: {load.said()}", flush=True)
    claim.assertEqual(complaints, [])
    claim.assertEqual(load.failures, [])


def enough(load, count):
    """Waits for so many more starts to be answered."""
    wanted = len(load.answered) + count
    wait_for(lambda: len(load.answered) >= wanted, 30, f"{count} starts")


class Growing(unittest.TestCase):
    def test_each_node_is_restarted_and_no_call_fails(self):
        with new_server(nodes=3) as server, under_load(self, server, 1) as load:
            enough(load, 50)
            begun = time.monotonic()
            wait_for(lambda: time.monotonic() - begun > QUIET_SECONDS, 60)
            quiet_until = time.monotonic()
            done = server.cluster("rolling-restart")
            ended = time.monotonic()
            self.assertEqual(done.stdout.count("caught up"), 3, done.stdout)
            quiet = load.quantile(0.999, begun, quiet_until)
            restarts = load.quantile(0.999, quiet_until, ended)
            print(f"p99.9 {1000 * quiet:.0f} ms quiet, {1000 * restarts:.0f} ms in {ended - quiet_until:.0f} s"
                  f" of restarts")

    def test_a_rolling_restart_waits_for_who_is_missing(self):
        with new_server(nodes=3) as server:
            server.kill(2)
            refused = server.cluster("rolling-restart", "--patience", "2", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("node 2 does not answer", refused.stderr)
            self.assertEqual(refused.stdout, "")


run_claims()
