"""The worst day: two of three nodes and their disks are gone for good. The third goes on with what it had by
`orpheus recover`, new nodes bring the copies back to three, and an old disk that turns up is no member."""

import contextlib
import os
import random
import re
import shutil
import subprocess
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for
from workload_ledger import Ledger

LOST = 1
REFUSED = 78
PARTITIONS = 16
BEHIND_SECONDS = 1  # a follower has what was answered that long ago
README = os.path.join(ROOT, "deploy/README.md")


class Lossy(Ledger):
    """A ledger of a cluster that loses some of what it answered: it checks what it is told to."""

    def check(self):
        pass

    def expect_done(self, kept):
        """Works off what is there; all of `kept` ends, each step once."""
        self.stopped.clear()
        workers = [self.spawn(self.work) for _ in range(3)]
        for workflow_id, workflow in self.ended(kept).items():
            self.check_execution(workflow_id, workflow)
        self.stopped.set()
        for worker in workers:
            worker.join()
        return self.complaints


def store(server, node):
    return os.path.join(server.folder, f"node-{node}", "store")


def recover(server, *words):
    """Runs `orpheus recover`; gives the finished process."""
    command = [server.program, "recover", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def as_told(server, number):
    """The command of that number in deploy/README.md, run on what is left here; gives the finished process."""
    with open(README, encoding="utf-8") as file:
        blocks = re.findall(r"<!-- recover -->\n```sh\n(.*?)```", file.read(), re.S)
    words = blocks[number].replace("/var/lib/orpheus/1", store(server, 1)).strip()
    command = re.sub(r"^orpheus", server.program, words)
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)


def running(server):
    """Executions that have not ended."""
    return [one for name in ("ledger", "ledger_child") for one in server.call("GET", f"/api/workflow/running/{name}")]


def copies(server):
    """Voters of each partition, by what the leaders say."""
    found = {}
    for node in server.members:
        for one in server.at(node).call("GET", "/api/cluster")["partitions"]:
            if one.get("role") == "leader" and one["id"] > 0:
                found[one["id"]] = len(one["voters"])
    return found


class Recover(unittest.TestCase):
    def load_until_lost(self, server):
        """Starts under load until two nodes are lost with their disks; gives what was answered in time."""
        ledger = Lossy(server, random.Random(11))
        ledger.begin()
        wait_for(lambda: len(ledger.answered) >= 40, 60, "40 starts")
        answered = dict(ledger.answered)
        time.sleep(BEHIND_SECONDS)  # time is the subject: the bound on what a follower lacks
        server.kill(2)
        server.kill(3)
        ledger.end()
        ledger.complaints.clear()  # calls that were on their way
        shutil.move(store(server, 2), os.path.join(server.folder, "found-later"))
        shutil.rmtree(store(server, 3))
        server.members = [1]
        return ledger, answered

    def expect_refusals(self, server):
        done = recover(server, "--look", store(server, 1))
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)  # its node runs
        self.assertIn("another process", done.stderr)
        server.kill(1)
        done = recover(server, store(server, 1))
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("confirm with --cluster", done.stderr)
        done = recover(server, store(server, 1), "--cluster", "c1000000-0000-4000-8000-000000000001")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("nothing was done", done.stderr)

    def recover(self, server):
        done = as_told(server, 0)
        self.assertEqual(done.returncode, LOST, done.stdout + done.stderr)
        self.assertIn(f"{PARTITIONS + 1} of {PARTITIONS + 1} groups have lost their majority", done.stdout)
        done = as_told(server, 1)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("may lack what was acknowledged after", done.stdout)
        done = as_told(server, 1)
        self.assertEqual(done.returncode, REFUSED, done.stdout)
        self.assertIn("nothing is to be recovered", done.stderr)

    def expect_old_disk_refused(self, server):
        """It turns up again: its node hears that it is no member any more, and stops for good."""
        shutil.move(os.path.join(server.folder, "found-later"), store(server, 2))
        server.cluster("restart", "2", check=False)

        def has_left():
            with open(os.path.join(store(server, 2), "identity"), encoding="utf-8") as file:
                return "state = left" in file.read()

        wait_for(has_left, 20, "the old disk's node to leave")
        with contextlib.suppress(OSError):
            answer = server.at(2).ask("POST", "/api/workflow", {"name": "ledger", "version": 1}, timeout=5)
            self.assertNotEqual(answer.status, 200, answer.text())
        states = {one["nodeId"]: one["state"] for one in server.call("GET", "/api/cluster")["members"]}
        self.assertNotEqual(states.get(2), "active")

    def test_one_of_three_disks_is_left(self):
        with new_server(nodes=3, grows_to=5, partitions=PARTITIONS) as server:
            ledger, answered = self.load_until_lost(server)
            self.expect_refusals(server)
            self.recover(server)
            server.restart(1)
            wait_for(lambda: server.ask("GET", "/api/workflow/running/ledger").status == 200, 20, "an answer")
            self.assertEqual(ledger.expect_done(answered), [])
            wait_for(lambda: running(server) == [], 20, "the end of all that is known")
            self.expect_old_disk_refused(server)
            for node in (4, 5):
                server.cluster("add")
                server.members.append(node)
            wait_for(lambda: set(copies(server).values()) == {3}, 30, "three copies of each partition")
            server.kill(1)
            server.members = [4, 5]
            ledger.stopped.clear()
            ledger.begin()
            more = len(ledger.answered) + 10
            wait_for(lambda: len(ledger.answered) >= more, 30, "10 more starts")
            ledger.end()
            ledger.complaints.clear()
            self.assertEqual(ledger.expect_done(answered), [])


if __name__ == "__main__":
    run_claims()
