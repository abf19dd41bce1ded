"""A disk that becomes slow: leadership leaves its node, the others go on at their pace, and it comes back later."""

import os
import statistics
import threading
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for

SLOW = 2  # the node
SLOW_MS = 1500  # a sync; distributed.md §4, rule 11: over 1 s
WORKFLOW = {
    "name": "slow_disk", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
    "tasks": [{"name": "slow_disk_task", "taskReferenceName": "only", "type": "SIMPLE"}],
}
QUICK_MS = 300  # p99 of a start once leadership is gone; some 15 ms on a machine of its own


def preload():
    build = os.environ.get("ORPHEUS_TEST_BUILD") or "dev"
    return os.path.join(ROOT, "build", build, "tests/libslow_disk.so")


class Starts(threading.Thread):
    """Starts executions through all nodes in turn, one after the other, and notes when and how long."""

    def __init__(self, server):
        super().__init__()
        self.server, self.stopped = server, threading.Event()
        self.taken = []  # (moment, seconds, status)

    def run(self):
        node = 0
        while not self.stopped.is_set():
            node = node % 3 + 1
            began = time.monotonic()
            answer = self.server.at(node).ask("POST", "/api/workflow", {"name": "slow_disk"})
            self.taken.append((began, time.monotonic() - began, answer.status))

    def between(self, since, until):
        return sorted(took * 1000 for began, took, _ in self.taken if since <= began < until)


def p99(times):
    return times[min(len(times) - 1, len(times) * 99 // 100)]


@unittest.skipUnless(os.path.exists(preload()), "this build has no slow disk to preload")
class SlowDisk(unittest.TestCase):
    def setUp(self):
        os.environ["LD_PRELOAD"] = preload()
        self.addCleanup(os.environ.pop, "LD_PRELOAD")
        self.server = self.enterContext(new_server(nodes=3))
        self.server.call("PUT", "/api/metadata/workflow", [WORKFLOW])

    def leads(self, node):
        shown = self.server.at(1).call("GET", "/api/cluster")["nodes"]
        return next(one["leads"] for one in shown if one["id"] == node)

    def say(self, ms):
        with open(os.path.join(self.server.folder, f"node-{SLOW}/slow_ms"), "w", encoding="ascii") as file:
            file.write(str(ms))

    def test_leadership_leaves_and_comes_back(self):
        before = wait_for(lambda: self.leads(SLOW), what="every node to lead")
        starts = Starts(self.server)
        starts.start()
        self.addCleanup(starts.stopped.set)
        wait_for(lambda: len(starts.taken) > 300, what="300 starts")

        slow_at = time.monotonic()
        self.say(SLOW_MS)
        wait_for(lambda: self.leads(SLOW) == 0, what="leadership to leave the slow node")
        left_at = time.monotonic()
        # The first syncs of the slow disk end after leadership left: starts that waited for them are not beside it.
        since = left_at + SLOW_MS / 1000
        wait_for(lambda: len(starts.between(since, since + 60)) > 600, what="600 starts beside a slow node")
        calm_at = time.monotonic()
        self.assertEqual(self.leads(SLOW), 0)

        self.say(0)
        wait_for(lambda: self.leads(SLOW) >= before - 1, seconds=90, what="leadership to come back")
        back_at = time.monotonic()
        starts.stopped.set()
        starts.join()

        beside = starts.between(since, calm_at)
        quiet = starts.between(0, slow_at)
        print(
            f"\nleadership left after {left_at - slow_at:.1f} s and was back {back_at - calm_at:.1f} s after the disk was well;"
            f" a start took p50 {statistics.median(quiet):.1f}, p99 {p99(quiet):.1f} ms before,"
            f" at most {max(starts.between(slow_at, left_at) or [0]):.0f} ms until it had left,"
            f" p50 {statistics.median(beside):.1f}, p99 {p99(beside):.1f} ms beside the slow node,"
            f" at most {max(starts.between(calm_at, back_at)):.0f} ms while it came back"
        )
        self.assertLess(p99(beside), QUICK_MS)
        refused = [status for _, _, status in starts.taken if status != 200]
        self.assertEqual(refused, [])


run_claims()
