"""HTTP tasks against a peer that remembers who asked what, across kills of the server."""

import http.server
import json
import threading
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for


class Peer:
    """Keeps every request; answers when told to, or at once."""

    def __init__(self):
        self.requests, self.held = [], threading.Event()
        self.held.set()
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                peer.requests.append((self.path, self.headers.get("Idempotency-Key"), self.rfile.read(size)))
                number = len(peer.requests)
                peer.held.wait(60)
                status = 503 if self.path == "/flaky" and number == 1 else 200
                body = json.dumps({"number": number}).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the caller was killed

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"

    def keys(self):
        return [key for _, key, _ in self.requests]

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


class Calls(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.addCleanup(self.peer.close)
        self.server = self.enterContext(new_server())

    def start(self, path, **more):
        task = {
            "name": "call", "taskReferenceName": "call", "type": "HTTP",
            "inputParameters": {
                "uri": self.peer.base + path, "method": "POST", "body": {"order": 7},
                "connectionTimeOut": 500, "readTimeOut": 1000, **more,
            },
        }
        self.server.call("PUT", "/api/metadata/workflow", [{
            "name": "calls", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com", "tasks": [task],
        }])
        return self.server.call("POST", "/api/workflow", {"name": "calls", "version": 1})

    def ended(self, workflow_id):
        found = self.server.workflow(workflow_id)
        return found if found["status"] != "RUNNING" else None

    def wait_for_end(self, workflow_id):
        return wait_for(lambda: self.ended(workflow_id), 30, "the end of the workflow")

    def test_a_call_that_a_kill_cut_off_is_made_again_under_its_key_and_ends_once(self):
        self.peer.held.clear()
        workflow_id = self.start("/order")
        wait_for(lambda: self.peer.requests, what="the call")
        self.server.kill()
        self.peer.held.set()
        self.server.restart()
        found = self.wait_for_end(workflow_id)
        [task] = found["tasks"]
        self.assertEqual((found["status"], task["status"], task["pollCount"]), ("COMPLETED", "COMPLETED", 2))
        self.assertEqual(self.peer.keys(), [task["taskId"]] * 2)
        self.assertEqual(len(set(self.peer.requests)), 1)
        self.assertEqual(task["outputData"]["response"]["body"], {"number": 2})

    def test_a_stop_waits_for_the_answer_of_a_call(self):
        self.peer.held.clear()
        workflow_id = self.start("/order", readTimeOut=20000)
        wait_for(lambda: self.peer.requests, what="the call")
        stop = threading.Thread(target=self.server.cluster, args=("stop",))
        stop.start()
        wait_for(lambda: "event=stopping" in self.server.log(), what="the stop")
        self.peer.held.set()
        stop.join()
        self.server.cluster("start")
        found = self.server.workflow(workflow_id)
        self.assertEqual((found["status"], found["tasks"][0]["pollCount"]), ("COMPLETED", 1))
        self.assertEqual(len(self.peer.requests), 1)

    def test_an_answer_that_was_taken_is_there_after_a_kill(self):
        workflow_id = self.start("/order")
        found = self.wait_for_end(workflow_id)
        self.server.kill()
        self.server.restart()
        self.assertEqual(self.server.workflow(workflow_id), found)
        self.assertEqual(len(self.peer.requests), 1)

    def test_another_attempt_is_another_request(self):
        self.server.call("POST", "/api/metadata/taskdefs", [{
            "name": "call", "ownerEmail": "test@example.com", "retryCount": 1, "retryDelaySeconds": 0,
            "timeoutSeconds": 0, "responseTimeoutSeconds": 60,
        }])
        found = self.wait_for_end(self.start("/flaky"))
        self.assertEqual([task["status"] for task in found["tasks"]], ["FAILED", "COMPLETED"])
        self.assertEqual(self.peer.keys(), [task["taskId"] for task in found["tasks"]])

    def test_a_peer_that_hangs_fails_its_task_and_holds_up_nothing(self):
        self.peer.held.clear()
        workflow_id = self.start("/order")
        wait_for(lambda: self.peer.requests, what="the call")
        self.assertEqual(self.server.ask("GET", "/health", timeout=1).status, 200)
        found = self.wait_for_end(workflow_id)
        self.assertEqual(found["status"], "FAILED")
        self.assertIn("Read timed out", found["tasks"][0]["reasonForIncompletion"])

    def test_a_workflow_that_ended_hears_no_answer(self):
        self.peer.held.clear()
        workflow_id = self.start("/order", readTimeOut=20000)
        wait_for(lambda: self.peer.requests, what="the call")
        self.server.call("DELETE", f"/api/workflow/{workflow_id}")
        found = self.wait_for_end(workflow_id)
        self.peer.held.set()
        wait_for(lambda: self.metric("orpheus_calls_told_total") == 1, what="the answer")
        self.assertEqual(self.server.workflow(workflow_id), found)

    def metric(self, name):
        for line in self.server.call("GET", "/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no figure {name}")


run_claims()
