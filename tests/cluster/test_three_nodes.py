"""Three nodes are one server: any node answers anything, and losing one loses nothing."""

import http.client
import json
import random
import threading
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

NODES = (1, 2, 3)
TASK = {
    "name": "three_task", "ownerEmail": "test@example.com", "retryCount": 5, "retryDelaySeconds": 0,
    "timeoutSeconds": 0, "responseTimeoutSeconds": 3,
}


def simple(reference):
    return {"name": "three_task", "taskReferenceName": reference, "type": "SIMPLE"}


def workflow(name, *tasks):
    return {
        "name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
        "tasks": list(tasks),
    }


def child(reference, name):
    return {
        "name": reference, "taskReferenceName": reference, "type": "SUB_WORKFLOW",
        "subWorkflowParam": {"name": name, "version": 1},
    }


def patiently(call, seconds=15):
    """What a client does: the same call again, at another node, while it is told to."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except (OSError, http.client.HTTPException, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # time is the subject: a client's pause, bounded by the deadline


class Load:
    """Clients that start workflows at random nodes, workers that do their tasks at random nodes."""

    def __init__(self, server, names, seed):
        self.server = server
        self.names = names
        self.chance = random.Random(seed)
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.answered = []
        self.done = 0
        self.threads = [threading.Thread(target=self.start_some) for _ in range(3)]
        self.threads += [threading.Thread(target=self.work) for _ in range(6)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def any_node(self):
        with self.lock:
            return self.server.at(self.chance.choice(NODES), patience=2)

    def start_some(self):
        while not self.stopped.is_set():
            name = self.names[len(self.answered) % len(self.names)]
            try:
                workflow_id = self.any_node().call(
                    "POST", "/api/workflow", {"name": name, "version": 1}
                )
            except (OSError, http.client.HTTPException, AssertionError):
                continue
            with self.lock:
                self.answered.append(workflow_id)
            self.stopped.wait(0.02)

    def work(self):
        while not self.stopped.is_set():
            try:
                tasks = self.any_node().poll("three_task", count=5, timeout_ms=200)
            except (OSError, http.client.HTTPException, AssertionError):
                continue
            for task in tasks:
                try:
                    patiently(lambda: self.any_node().update(task, output={"did": task["taskId"]}), 5)
                except (OSError, http.client.HTTPException, AssertionError):
                    continue
                with self.lock:
                    self.done += 1


class ThreeNodes(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(new_server(nodes=3))
        patiently(lambda: self.server.call("POST", "/api/metadata/taskdefs", [TASK]))
        patiently(lambda: self.server.call("PUT", "/api/metadata/workflow", [
            workflow("one", simple("only")),
            workflow("two", simple("first"), simple("second")),
            workflow("parent", child("below", "one"), simple("after")),
        ]))

    def ended(self, workflow_id, node=1):
        found = patiently(lambda: self.server.at(node).workflow(workflow_id))
        return found if found["status"] != "RUNNING" else None

    def expect_all_complete(self, answered):
        """Each ended once: the status is final, every task completed once, with its own output."""
        for workflow_id in answered:
            found = wait_for(lambda: self.ended(workflow_id), 60, f"the end of {workflow_id}")
            self.assertEqual(found["status"], "COMPLETED", workflow_id)
            completed = [task for task in found["tasks"] if task["status"] == "COMPLETED"]
            references = [task["referenceTaskName"] for task in completed]
            self.assertEqual(len(references), len(set(references)), workflow_id)
            for task in completed:
                if task["taskType"] == "three_task":
                    self.assertEqual(task["outputData"], {"did": task["taskId"]})

    def test_a_workflow_goes_through_every_node(self):
        for first in NODES:
            second, third = first % 3 + 1, (first + 1) % 3 + 1
            workflow_id = self.server.at(first).call("POST", "/api/workflow", {"name": "two", "version": 1})
            for node in (second, third):
                [task] = self.server.at(node).poll("three_task")
                self.server.at(first).update(task)
            for node in NODES:
                self.assertEqual(self.server.at(node).workflow(workflow_id)["status"], "COMPLETED")

    def test_a_task_is_in_hand_at_another_node_in_milliseconds(self):
        """Nothing else happens here that could take along what a turn of the loop left in a queue."""
        taken = []
        for turn in range(40):
            start_at, poll_at = (1, 3)[turn % 2], 2
            got = []
            poll = threading.Thread(
                target=lambda node=poll_at: got.extend(
                    [*self.server.at(node).poll("three_task", timeout_ms=5000), time.monotonic()]
                )
            )
            poll.start()
            time.sleep(0.05)  # time is the subject: the poll waits, and all is quiet
            began = time.monotonic()
            self.server.at(start_at).call("POST", "/api/workflow", {"name": "one", "version": 1})
            poll.join()
            task, there = got
            taken.append((there - began) * 1000)
            self.server.at(poll_at).update(task)
        # The quick quarter: the slow ones are the machine's.
        self.assertLess(sorted(taken)[len(taken) // 4], 7, sorted(taken))

    def test_every_node_shows_the_cluster(self):
        def all_led(node):
            shown = self.server.at(node).call("GET", "/api/cluster")
            self.assertEqual([one["id"] for one in shown["nodes"]], list(NODES))
            up = all(one["up"] for one in shown["nodes"])
            return up and all(one["leader"] in NODES for one in shown["partitions"])

        for node in NODES:
            wait_for(lambda: all_led(node), 15, "a leader for every partition")

    def test_a_node_is_killed_again_and_again_and_nothing_is_lost(self):
        chance = random.Random(1)
        with Load(self.server, ("one", "two", "parent"), seed=2) as load:
            for _ in range(6):
                goal = load.done + 40
                wait_for(lambda: load.done >= goal, 30, "work between two kills")
                victim = chance.choice(NODES)
                self.server.kill(victim)
                goal = load.done + 40
                wait_for(lambda: load.done >= goal, 30, "work beside a dead node")
                self.server.restart(victim)
            answered = list(load.answered)
            self.assertGreater(len(answered), 100)
            self.expect_all_complete(answered)

    def test_a_node_that_falls_silent_is_missed_for_seconds_only(self):
        with Load(self.server, ("one",), seed=3) as load:
            wait_for(lambda: load.done > 20, 30, "some work")
            self.server.pause(2)
            goal = load.done + 30  # clients lose 2 s with each call to that node
            wait_for(lambda: load.done >= goal, 30, "work beside a silent node")
            self.server.resume(2)
            goal = load.done + 50
            wait_for(lambda: load.done >= goal, 30, "work after it")
            self.expect_all_complete(list(load.answered))

    def test_a_node_that_is_stopped_hands_its_partitions_over_first(self):
        failures = []
        stopped = threading.Event()

        def keep_asking():
            while not stopped.is_set():
                answer = self.server.at(1).ask("POST", "/api/workflow", {"name": "one", "version": 1})
                if answer.status != 200:
                    failures.append((answer.status, answer.text()))

        asking = threading.Thread(target=keep_asking)
        asking.start()
        try:
            self.server.restart(2)
            self.server.restart(3)
        finally:
            stopped.set()
            asking.join()
        self.assertEqual(failures, [])

    def test_a_minority_refuses_and_comes_back(self):
        self.server.kill(2)
        self.server.kill(3)
        answer = self.server.at(1).ask("POST", "/api/workflow", {"name": "one", "version": 1})
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer.headers)
        self.assertTrue(json.loads(answer.body)["retryable"])
        self.server.restart(2)
        patiently(lambda: self.server.at(1).call("POST", "/api/workflow", {"name": "one", "version": 1}))


if __name__ == "__main__":
    run_claims()
