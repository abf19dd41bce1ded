"""What a client of one node may rely on, over HTTP, across kills."""

import http.client
import json
import socket
import subprocess
import threading
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

TASK = {
    "name": "promise_task", "ownerEmail": "test@example.com", "retryCount": 2, "retryDelaySeconds": 0,
    "timeoutSeconds": 0, "responseTimeoutSeconds": 2,
}


def simple(reference):
    return {"name": "promise_task", "taskReferenceName": reference, "type": "SIMPLE"}


def workflow(name, *tasks):
    return {
        "name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
        "tasks": list(tasks),
    }


class Promises(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(new_server())
        self.server.call("POST", "/api/metadata/taskdefs", [TASK])
        self.server.call("PUT", "/api/metadata/workflow", [
            workflow("one", simple("only")),
            workflow("two", simple("first"), simple("second")),
            workflow("wait", {
                "name": "pause", "taskReferenceName": "pause", "type": "WAIT",
                "inputParameters": {"duration": "2 seconds"},
            }),
        ])

    def start(self, name, **more):
        return self.server.call("POST", "/api/workflow", {"name": name, "version": 1, **more})

    def ended(self, workflow_id):
        found = self.server.workflow(workflow_id)
        return found if found["status"] != "RUNNING" else None

    def test_every_start_answered_before_a_kill_is_there_after_it(self):
        answered, lock = [], threading.Lock()

        def keep_starting():
            try:
                while True:
                    workflow_id = self.start("one", input={"number": 1 << 53, "text": "é\u0001"})
                    with lock:
                        answered.append(workflow_id)
            except (OSError, http.client.HTTPException):
                return

        clients = [threading.Thread(target=keep_starting) for _ in range(8)]
        for client in clients:
            client.start()
        wait_for(lambda: len(answered) > 300, what="300 starts")
        self.server.kill()
        for client in clients:
            client.join()
        self.server.restart()
        for workflow_id in answered:
            found = self.server.workflow(workflow_id)
            self.assertEqual(found["status"], "RUNNING")
            self.assertEqual(found["input"], {"number": 1 << 53, "text": "é\u0001"})
        sizes = self.server.call("GET", "/api/tasks/queue/sizes?taskType=promise_task")
        self.assertGreaterEqual(sizes["promise_task"], len(answered))

    def test_an_update_that_was_answered_is_there_after_a_kill(self):
        workflow_id = self.start("two")
        [first] = self.server.poll("promise_task")
        self.server.update(first, output={"exact": 12345678901234567890, "price": 1.10})
        self.server.kill()
        self.server.restart()
        tasks = {task["referenceTaskName"]: task for task in self.server.workflow(workflow_id)["tasks"]}
        self.assertEqual(tasks["first"]["status"], "COMPLETED")
        self.assertEqual(tasks["first"]["outputData"], {"exact": 12345678901234567890, "price": 1.10})
        self.assertEqual(tasks["second"]["status"], "SCHEDULED")

    def test_a_task_in_hand_stays_in_hand_across_a_kill_and_can_be_finished(self):
        workflow_id = self.start("one")
        [task] = self.server.poll("promise_task")
        self.server.kill()
        self.server.restart()
        self.assertEqual(self.server.poll("promise_task", timeout_ms=100), [])
        self.server.update(task)
        self.assertEqual(self.server.workflow(workflow_id)["status"], "COMPLETED")

    def test_a_silent_worker_is_given_up_though_the_server_was_killed_meanwhile(self):
        workflow_id = self.start("one")
        [task] = self.server.poll("promise_task")
        self.server.kill()
        self.server.restart()
        again = wait_for(lambda: self.server.poll("promise_task"), 15, "the second attempt")
        self.assertEqual(again[0]["retriedTaskId"], task["taskId"])
        self.assertEqual(again[0]["retryCount"], 1)
        self.server.update(again[0])
        statuses = [task["status"] for task in self.server.workflow(workflow_id)["tasks"]]
        self.assertEqual(statuses, ["TIMED_OUT", "COMPLETED"])

    def test_a_wait_ends_on_time_though_the_server_was_killed_meanwhile(self):
        workflow_id = self.start("wait")
        self.server.kill()
        self.server.restart()
        found = wait_for(lambda: self.ended(workflow_id), 15, "the end of the wait")
        self.assertEqual(found["status"], "COMPLETED")
        self.assertGreaterEqual(found["endTime"] - found["startTime"], 2000)

    def test_a_parked_poll_is_woken_by_the_start_that_makes_work_for_it(self):
        got = []
        worker = threading.Thread(target=lambda: got.extend(self.server.poll("promise_task", timeout_ms=5000)))
        worker.start()
        wait_for(lambda: self.metric("orpheus_polls_parked") >= 1, what="the parked poll")
        workflow_id = self.start("one")
        worker.join(3)
        self.assertEqual([task["workflowInstanceId"] for task in got], [workflow_id])

    def test_a_worker_that_left_while_it_waited_gets_no_task(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as gone:
            gone.sendall(
                b"GET /api/tasks/poll/batch/promise_task?workerid=gone&timeout=5000 HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            wait_for(lambda: self.metric("orpheus_polls_parked") >= 1, what="the parked poll")
        wait_for(lambda: self.metric("orpheus_polls_parked") == 0, what="the departure")
        self.start("one")
        [task] = self.server.poll("promise_task", worker="present")
        self.assertEqual((task["workerId"], task["pollCount"]), ("present", 1))

    def test_a_definition_survives_a_kill(self):
        before = self.server.call("GET", "/api/metadata/workflow/two")
        self.server.kill()
        self.server.restart()
        self.assertEqual(self.server.call("GET", "/api/metadata/workflow/two"), before)

    def test_a_stop_lets_a_request_in_hand_finish_and_answers_the_waiting_polls(self):
        got = []
        worker = threading.Thread(
            target=lambda: got.append(self.server.ask(
                "GET", "/api/tasks/poll/batch/promise_task?workerid=w&timeout=5000"
            ))
        )
        worker.start()
        wait_for(lambda: self.metric("orpheus_polls_parked") >= 1, what="the parked poll")
        self.server.cluster("stop")
        worker.join(10)
        self.assertEqual([(answer.status, answer.body) for answer in got], [(200, b"[]")])

    def test_a_second_process_on_the_same_store_is_refused(self):
        program = json.load(open(self.server.folder + "/cluster.json", encoding="utf-8"))["program"]
        second = subprocess.run(
            [program, "serve", "--http", "127.0.0.1:0", "--store", self.server.folder + "/node-1/store"],
            capture_output=True, text=True, timeout=30, check=False,
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("level=error", second.stderr)
        self.assertEqual(self.server.ask("GET", "/health").status, 200)

    def metric(self, name):
        for line in self.server.call("GET", "/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no figure {name}")


run_claims()
