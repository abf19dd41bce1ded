"""A real node's events, dumped and stepped through again: another node makes the same log, to the last bit."""

import glob
import json
import os
import signal
import subprocess
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for

TASK = {
    "name": "replay_task", "ownerEmail": "test@example.com", "retryCount": 1, "retryDelaySeconds": 0,
    "timeoutSeconds": 0, "responseTimeoutSeconds": 3600,
}
WORKFLOW = {
    "name": "replay", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
    "tasks": [
        {"name": "replay_task", "taskReferenceName": "first", "type": "SIMPLE"},
        {"name": "twice", "taskReferenceName": "twice", "type": "INLINE", "inputParameters": {
            "evaluatorType": "javascript", "expression": "$.value * 2", "value": "${first.output.value}"}},
        {"name": "replay_task", "taskReferenceName": "last", "type": "SIMPLE"},
    ],
}


def replayer():
    build = os.environ.get("ORPHEUS_TEST_BUILD") or "dev"
    return os.path.join(ROOT, "build", build, "tests/replay_dump")


def replay(path):
    return subprocess.run([replayer(), "--quiet", path], capture_output=True, text=True, check=False)


@unittest.skipUnless(os.path.exists(replayer()), "this build has no replay_dump")
class Replay(unittest.TestCase):
    def work(self, server, rounds):
        server.call("POST", "/api/metadata/taskdefs", [TASK])
        server.call("PUT", "/api/metadata/workflow", [WORKFLOW])
        started = [server.call("POST", "/api/workflow", {"name": "replay"}) for _ in range(rounds)]
        for number in range(2 * rounds + 2):
            for task in server.poll("replay_task", count=5, timeout_ms=500):
                failed = number == 0
                server.update(task, "FAILED" if failed else "COMPLETED", {"value": number})
        return started

    def dump(self, server, node):
        store = os.path.join(server.folder, f"node-{node}/store")
        before = set(glob.glob(os.path.join(store, "events-*.dump")))
        with open(os.path.join(server.folder, f"node-{node}/pid"), encoding="ascii") as file:
            os.kill(json.load(file)["pid"], signal.SIGUSR1)
        wait_for(lambda: "events_dumped" in server.log(node), what="the dump")
        return (set(glob.glob(os.path.join(store, "events-*.dump"))) - before).pop()

    def test_a_node_alone_from_its_first_event(self):
        with new_server() as server:
            started = self.work(server, 20)
            wait_for(lambda: server.workflow(started[0])["status"] == "COMPLETED", what="an end")
            path = self.dump(server, 1)
            self.assertEqual(os.stat(path).st_mode & 0o077, 0)
            done = replay(path)
            self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
            self.assertIn("the log of every group is what it was", done.stdout)
            self.assertIn("20 executions", done.stdout)

    def test_each_of_three_nodes(self):
        with new_server(nodes=3) as server:
            self.work(server, 10)
            for node in (1, 2, 3):
                done = replay(self.dump(server, node))
                self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
                self.assertIn("the log of every group is what it was", done.stdout)

    def test_from_the_middle_of_a_life_says_so(self):
        with new_server() as server:
            self.work(server, 3)
            server.kill()
            server.restart()
            self.work(server, 3)
            done = replay(self.dump(server, 1))
            self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
            self.assertIn("only like it", done.stdout)

    def test_what_is_no_dump_is_refused(self):
        with new_server() as server:
            path = self.dump(server, 1)
            with open(path, "r+b") as file:
                file.write(b"X")
            self.assertEqual(replay(path).returncode, 2)


run_claims()
