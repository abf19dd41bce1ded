"""A damaged log, a full disk, bad and huge input: the contract's error or a clear end, nothing lost."""

import glob
import http.client
import json
import os
import shutil
import socket
import subprocess
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

TASK = {
    "name": "bad_day_task", "ownerEmail": "test@example.com", "retryCount": 0,
    "timeoutSeconds": 0, "responseTimeoutSeconds": 3600,
}
WORKFLOW = {
    "name": "bad_day", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
    "tasks": [{"name": "bad_day_task", "taskReferenceName": "only", "type": "SIMPLE"}],
}
FULL_DISK_MIB = 48
BODY_MAX = 16 * 1024 * 1024  # rest-api.md §1, LIMIT_HTTP_BODY_BYTES


def register(server):
    server.call("POST", "/api/metadata/taskdefs", [TASK])
    server.call("PUT", "/api/metadata/workflow", [WORKFLOW])


def start(server, **more):
    return server.ask("POST", "/api/workflow", {"name": "bad_day", "version": 1, **more})


class DamagedLog(unittest.TestCase):
    def setUp(self):
        # No checkpoint: all of the log is needed at the restart.
        os.environ["ORPHEUS_CHECKPOINT_MS"] = "60000"
        self.addCleanup(os.environ.pop, "ORPHEUS_CHECKPOINT_MS")
        self.server = self.enterContext(new_server())
        register(self.server)
        self.started = [start(self.server).text() for _ in range(40)]
        self.server.kill()

    def newest_segment(self):
        """The newest segment that was written to; the next one may lie ready, all zeros."""
        for path in sorted(glob.glob(os.path.join(self.server.folder, "node-1/store/log/wal-*")), reverse=True):
            with open(path, "rb") as file:
                if file.read().rstrip(b"\0"):
                    return path
        raise AssertionError("no segment was written to")

    def change(self, place_in):
        """Turns a byte of the newest segment around, at the place that `place_in` finds in its bytes."""
        with open(self.newest_segment(), "r+b") as file:
            written = file.read().rstrip(b"\0")
            place = place_in(written)
            file.seek(place)
            file.write(bytes([written[place] ^ 0xFF]))

    def test_damage_in_the_middle_is_named_and_nothing_is_served(self):
        # In a record, not in the padding between two.
        self.change(lambda written: written.index(b"bad_day_task", len(written) // 2))
        refused = self.server.cluster("restart", "1", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("level=error", refused.stderr)
        self.assertIn("code=CORRUPT", refused.stderr)
        self.assertIn(os.path.basename(self.newest_segment()), refused.stderr)

    def test_a_torn_tail_costs_at_most_what_was_being_written(self):
        self.change(lambda written: len(written) - 1)
        self.server.restart()
        # The last batch was synced and answered; tearing it by hand may take that one start, no more.
        for workflow_id in self.started[:-1]:
            self.assertEqual(self.server.workflow(workflow_id)["status"], "RUNNING")
        self.assertEqual(start(self.server).status, 200)


@unittest.skipIf(os.geteuid() != 0, "only root may mount a small file system")
class FullDisk(unittest.TestCase):
    def setUp(self):
        os.environ["ORPHEUS_SEGMENT_MIB"] = "4"
        self.addCleanup(os.environ.pop, "ORPHEUS_SEGMENT_MIB")
        self.server = new_server()
        self.store = os.path.join(self.server.folder, "node-1/store")
        os.makedirs(self.store)
        self.mount(f"size={FULL_DISK_MIB}m")
        self.addCleanup(shutil.rmtree, self.server.folder)
        self.addCleanup(subprocess.run, ["umount", self.store], check=True)
        self.addCleanup(self.server.cluster, "stop", check=False)

    def mount(self, options):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.store],
            capture_output=True, text=True, check=False,
        )
        if done.returncode != 0:
            self.skipTest(f"no mounting here: {done.stderr.strip()}")

    def test_nothing_answered_is_lost_when_the_disk_fills_and_is_made_larger(self):
        self.server.start()
        register(self.server)
        answered, refusal = [], None
        while refusal is None and len(answered) < 20000:
            try:
                answer = start(self.server, input={"padding": "x" * 8000})
            except (OSError, http.client.HTTPException):
                refusal = "ended"
                continue
            if answer.status == 200:
                answered.append(answer.text())
            else:
                refusal = answer.status
        self.assertIn(refusal, ("ended", 503), f"{len(answered)} starts answered")
        if refusal == "ended":
            self.assertIn("level=error", self.server.log())
        subprocess.run(
            ["mount", "-o", f"remount,size={8 * FULL_DISK_MIB}m", self.store], check=True
        )
        self.server.restart()
        self.assertGreater(len(answered), 100)
        for workflow_id in answered:
            self.assertEqual(self.server.workflow(workflow_id)["status"], "RUNNING")
        self.assertEqual(start(self.server).status, 200)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(new_server())
        register(cls.server)

    def assert_refused(self, answer, *statuses):
        self.assertIn(answer.status, statuses, answer.body[:300])
        body = answer.json()
        self.assertEqual(body["status"], answer.status)
        self.assertIs(body["retryable"], False)

    def test_malformed_json_is_refused(self):
        for text in (b"", b"{", b"[1,]", b'{"name":"bad_day"} x', b'{"name":"\xff"}', b'{"a":01}', b"nul"):
            with self.subTest(text):
                self.assert_refused(self.server.ask("POST", "/api/workflow", text), 400, 500)

    def test_nesting_beyond_the_bound_is_refused_and_below_it_is_kept(self):
        deep = b'{"name":"bad_day","version":1,"input":{"deep":' + b"[" * 100000 + b"]" * 100000 + b"}}"
        self.assert_refused(self.server.ask("POST", "/api/workflow", deep), 400)
        fine = b'{"name":"bad_day","version":1,"input":{"deep":' + b"[" * 300 + b"]" * 300 + b"}}"
        self.assertEqual(self.server.ask("POST", "/api/workflow", fine).status, 200)

    def test_a_body_over_the_bound_is_refused_with_413(self):
        body = json.dumps({"name": "bad_day", "input": {"much": "x" * BODY_MAX}}).encode()
        self.assertEqual(self.server.ask("POST", "/api/workflow", body).status, 413)

    def test_a_head_over_the_bound_is_refused_with_431(self):
        answer = self.server.ask("GET", "/health", headers={"X-Much": "x" * 20000})
        self.assertEqual(answer.status, 431)

    def test_wild_text_comes_back_as_it_was(self):
        text = "\u0000\u001f\u007f\u2028\ufffe\U0001f600 \\ \" </script> ${not.an.expression"
        workflow_id = start(self.server, input={text: [text]}, correlationId="ÿ").text()
        found = self.server.workflow(workflow_id)
        self.assertEqual(found["input"], {text: [text]})
        self.assertEqual(found["correlationId"], "ÿ")

    def test_numbers_come_back_to_the_last_digit(self):
        for number in (b"9007199254740993", b"1.10", b"12345678901234567890123", b"1e400", b"-0"):
            body = b'{"name":"bad_day","version":1,"input":{"number":' + number + b"}}"
            workflow_id = self.server.ask("POST", "/api/workflow", body).text()
            found = self.server.ask("GET", f"/api/workflow/{workflow_id}").body
            self.assertIn(b'"number":' + number + b"}", found)

    def test_unknown_things_are_the_contracts_errors(self):
        for method, path, status in (
            ("GET", "/api/workflow/nothing", 404),
            ("GET", "/api/workflow/2b301a21-00db-422f-933d-332c10f82d68", 404),
            ("POST", "/api/token", 404),
            ("GET", "/api/nothing", 404),
            ("PATCH", "/api/workflow", 405),
            ("GET", "/api/metadata/workflow/nothing", 404),
            ("GET", "/api/tasks/nothing", 404),
            ("GET", "/api/workflow/a%2Fb", 400),
            ("GET", "/api/workflow/%00", 400),
        ):
            with self.subTest(method=method, path=path):
                self.assertEqual(self.server.ask(method, path).status, status)

    def test_a_thousand_half_sent_requests_do_not_hold_up_others(self):
        half_open = []
        self.addCleanup(lambda: [one.close() for one in half_open])
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
            one.sendall(b"POST /api/workflow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            half_open.append(one)
        self.assertEqual(start(self.server).status, 200)
        wait_for(lambda: self.server.ask("GET", "/health").status == 200, what="an answer")

    def test_a_definition_with_a_kind_of_task_that_is_not_built_is_refused_at_start(self):
        definition = {
            **WORKFLOW, "name": "not_built",
            "tasks": [{
                "name": "k", "taskReferenceName": "k", "type": "KAFKA_PUBLISH",
                "inputParameters": {"kafka_request": {"topic": "t", "value": "v", "bootStrapServers": "s"}},
            }],
        }
        self.server.call("PUT", "/api/metadata/workflow", [definition])
        answer = self.server.ask("POST", "/api/workflow", {"name": "not_built", "version": 1})
        self.assertNotEqual(answer.status, 200)
        self.assertIn("KAFKA_PUBLISH", answer.json()["message"])


run_claims()
