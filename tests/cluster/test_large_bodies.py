"""Bodies of megabytes go through any node while nodes are killed: what was answered is there to the last
byte, and a backup's check finds each payload whole and each with an owner."""

import http.client
import os
import random
import subprocess
import tempfile
import threading
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

CLIENTS = 3
STARTS_EACH = 6
KILLS = 4
SMALLEST, LARGEST = 100_000, 3_000_000
PATIENCE = 40  # times that a refused request is sent again


def body(chance):
    """An object of so many bytes, about; no two are alike."""
    size = chance.randint(SMALLEST, LARGEST)
    return {"list": [chance.getrandbits(60) for _ in range(size // 20)]}


class Client(threading.Thread):
    """Starts executions with large inputs and ends their tasks with large outputs."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server = server
        self.chance = random.Random(seed)
        self.inputs = {}
        self.outputs = {}
        self.complaints = []

    def patiently(self, method, path, content):
        """The answer of some node; what is refused, or cut off, is asked again. None: no answer."""
        for _ in range(PATIENCE):
            node = self.server.at(self.chance.randint(1, 3))
            try:
                answer = node.ask(method, path, content)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status != 503:
                return answer
            threading.Event().wait(0.1)  # a pace of asking
        return None

    def one(self):
        given = body(self.chance)
        answer = self.patiently("POST", "/api/workflow/large", given)
        if answer is None or answer.status != 200:
            self.complaints.append(f"start: {answer and answer.text()}")
            return
        workflow = answer.text()
        self.inputs[workflow] = given
        shown = self.patiently("GET", f"/api/workflow/{workflow}", None).json()
        output = body(self.chance)
        update = {
            "workflowInstanceId": workflow,
            "taskId": shown["tasks"][0]["taskId"],
            "status": "COMPLETED",
            "outputData": output,
        }
        answer = self.patiently("POST", "/api/tasks", update)
        if answer is None or answer.status != 200:
            self.complaints.append(f"update: {answer and answer.text()}")
            return
        self.outputs[workflow] = output

    def run(self):
        for _ in range(STARTS_EACH):
            self.one()


class LargeBodies(unittest.TestCase):
    def define(self, server):
        server.call("POST", "/api/metadata/taskdefs", [{"name": "step", "retryCount": 0}])
        task = {"name": "step", "taskReferenceName": "s", "type": "SIMPLE"}
        server.call("POST", "/api/metadata/workflow", {"name": "large", "version": 1, "tasks": [task]})

    def hurt(self, server, clients):
        """Nodes are killed, one at a time, while clients are at work."""
        chance = random.Random(3)
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0.5, 2))  # the harm's own pace
            if not any(client.is_alive() for client in clients):
                return
            node = chance.randint(1, 3)
            server.kill(node)
            server.restart(node)

    def expect_whole(self, server, client):
        self.assertEqual(client.complaints, [])
        for workflow, given in client.inputs.items():
            shown = server.at(client.chance.randint(1, 3)).workflow(workflow)
            self.assertEqual(shown["input"], given, workflow)
            self.assertEqual(shown["status"], "COMPLETED", workflow)
            self.assertEqual(shown["tasks"][0]["outputData"], client.outputs[workflow], workflow)

    def expect_verified(self, server):
        with tempfile.TemporaryDirectory(prefix="orpheus-backup-") as folder:
            path = os.path.join(folder, "large")
            for words in (["backup", "--node", server.base, "--to", path, "--rate", "0"],
                          ["backup", "verify", path]):
                done = subprocess.run(
                    [server.program, *words], capture_output=True, text=True, check=False, timeout=120
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def staged(self, server):
        return sum(
            float(line.split()[1])
            for node in (1, 2, 3)
            for line in server.at(node).ask("GET", "/metrics").text().splitlines()
            if line.startswith("orpheus_bodies_staged_total")
        )

    def test_what_was_answered_is_there_to_the_last_byte(self):
        with new_server(nodes=3) as server:
            self.define(server)
            clients = [Client(server, seed) for seed in range(CLIENTS)]
            for client in clients:
                client.start()
            self.hurt(server, clients)
            for client in clients:
                client.join()
            wait_for(lambda: server.call("GET", "/health"), 30, "an answer")
            for client in clients:
                self.expect_whole(server, client)
            self.assertGreater(self.staged(server), 0, "nothing was staged")
            self.expect_verified(server)


if __name__ == "__main__":
    run_claims()
