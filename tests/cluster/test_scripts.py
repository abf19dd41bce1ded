"""Evaluators that are killed while they run a script: the contract's status and text, never a workflow that waits for ever."""

import json
import os
import signal
import threading
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

SECONDS = 3  # that the script runs; its deadline is four
SPENT = 0.1  # seconds of CPU that only a process with this script has taken
BROKEN = "The script needs more memory than it may use, or broke its evaluator"


def inline(name, script):
    return {
        "name": name, "taskReferenceName": name, "type": "INLINE",
        "inputParameters": {"evaluatorType": "javascript", "expression": script},
    }


def workflow(name, *tasks):
    return {
        "name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com", "tasks": list(tasks),
    }


BUSY = f"(function () {{ var end = Date.now() + {SECONDS * 1000}; while (Date.now() < end) {{}} return 'done'; }})()"


def evaluators(server):
    """The server's processes that run scripts, each with the CPU time it took so far, in seconds."""
    with open(os.path.join(server.folder, "node-1/pid"), encoding="ascii") as file:
        pid = json.load(file)["pid"]
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    spent = {}
    for child in children:
        try:
            with open(f"/proc/{child}/stat", encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        spent[int(child)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


class KilledEvaluators(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(new_server())
        self.server.call("PUT", "/api/metadata/workflow", [
            workflow("busy", {
                "name": "first", "taskReferenceName": "first", "type": "SIMPLE",
            }, inline("script", BUSY)),
            workflow("quick", inline("script", "1 + 1")),
        ])
        self.server.call("POST", "/api/metadata/taskdefs", [{"name": "first", "ownerEmail": "test@example.com"}])

    def begin(self):
        """An execution whose script is about to run; the update that leads there is answered when it is over."""
        started = self.server.call("POST", "/api/workflow/busy", {})
        return started, self.server.poll("first")[0]

    def kill_the_one_that_runs(self, killed=0):
        """Kills the process that spends most, which no other than the script's does; `killed`: not this one."""
        def busiest():
            spent = evaluators(self.server)
            spent.pop(killed, None)
            pid = max(spent, key=spent.get, default=None)
            return pid if pid and spent[pid] >= SPENT else None
        pid = wait_for(busiest, what="a process that runs the script")
        os.kill(pid, signal.SIGKILL)
        return pid

    def test_killed_once_it_is_run_again(self):
        started, task = self.begin()
        with Beside(self.server, task):
            self.kill_the_one_that_runs()
        done = self.server.workflow(started)
        self.assertEqual(done["status"], "COMPLETED")
        self.assertEqual(done["tasks"][1]["outputData"], {"result": "done"})
        self.assertEqual(done["tasks"][1]["retryCount"], 0)

    def test_killed_twice_the_task_fails_and_says_so(self):
        started, task = self.begin()
        with Beside(self.server, task):
            first = self.kill_the_one_that_runs()
            # Others go on meanwhile.
            other = self.server.call("POST", "/api/workflow/quick", {})
            self.assertEqual(self.server.workflow(other)["status"], "COMPLETED")
            self.kill_the_one_that_runs(first)
        done = self.server.workflow(started)
        self.assertEqual(done["status"], "FAILED")
        self.assertEqual(done["tasks"][1]["status"], "FAILED_WITH_TERMINAL_ERROR")
        self.assertEqual(done["tasks"][1]["reasonForIncompletion"], BROKEN)
        self.assertEqual(done["tasks"][1]["outputData"], {"error": BROKEN})


class Beside:
    """The update of a task, made while the block runs; leaving waits for its answer."""

    def __init__(self, server, task):
        self.thread = threading.Thread(target=server.update, args=(task,))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join()


if __name__ == "__main__":
    run_claims()
