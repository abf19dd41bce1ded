"""A disk that fills up: new work is refused in words, what finishes and deletes goes on, and all of it ends by itself."""

import os
import shutil
import subprocess
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

DISK_MIB = 96
SETTINGS = {"ORPHEUS_SEGMENT_MIB": "4", "ORPHEUS_BALLAST_MIB": "5", "ORPHEUS_CHECKPOINT_MS": "100"}
TASK = {
    "name": "full_disk_task", "ownerEmail": "test@example.com", "retryCount": 0,
    "timeoutSeconds": 0, "responseTimeoutSeconds": 3600,
}
WORKFLOW = {
    "name": "full_disk", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
    "tasks": [{"name": "full_disk_task", "taskReferenceName": "only", "type": "SIMPLE"}],
}


def start(client):
    return client.ask("POST", "/api/workflow", {"name": "full_disk", "version": 1})


def metric(client, name):
    for line in client.ask("GET", "/metrics").text().splitlines():
        if line.startswith(f"orpheus_{name} "):
            return int(line.split()[1])
    raise AssertionError(f"no figure {name}")


@unittest.skipIf(os.geteuid() != 0, "only root may mount a small file system")
class FullDisk(unittest.TestCase):
    nodes = 1

    def setUp(self):
        for name, value in SETTINGS.items():
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)
        self.server = new_server(nodes=self.nodes)
        self.addCleanup(shutil.rmtree, self.server.folder)
        for node in range(1, self.nodes + 1):
            os.makedirs(self.folder(node))
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.folder(node)],
                capture_output=True, text=True, check=False,
            )
            if done.returncode != 0:
                self.skipTest(f"no mounting here: {done.stderr.strip()}")
            self.addCleanup(subprocess.run, ["umount", self.folder(node)], check=True)
        self.addCleanup(self.server.cluster, "stop", check=False)
        self.server.start()
        self.server.call("POST", "/api/metadata/taskdefs", [TASK])
        self.server.call("PUT", "/api/metadata/workflow", [WORKFLOW])

    def folder(self, node):
        return os.path.join(self.server.folder, f"node-{node}/store")

    def fill(self, node, permille):
        """Somebody else's file, so large that the disk is that full; 1000: to the last byte."""
        with open(os.path.join(self.folder(node), "somebody_elses"), "ab", buffering=0) as file:
            try:
                while self.used(node) < permille:
                    file.write(bytes(64 << 10))
            except OSError:
                return

    def empty(self, node):
        os.remove(os.path.join(self.folder(node), "somebody_elses"))

    def used(self, node):
        device = os.statvfs(self.folder(node))
        return 1000 - device.f_bavail * 1000 // device.f_blocks

    def wait_for_level(self, node, level):
        client = self.server.at(node)
        wait_for(lambda: metric(client, "disk_room_level") == level, what=f"level {level}")


class FullDiskOfOne(FullDisk):
    def refused(self):
        answer = start(self.server)
        self.assertEqual(answer.status, 503, answer.body[:300])
        self.assertIn("no new executions are started", answer.json()["message"])
        self.assertIs(answer.json()["retryable"], True)
        self.assertIn("Retry-After", answer.headers)

    def test_from_the_soft_limit_to_the_last_byte_and_back(self):
        running = [start(self.server).text() for _ in range(20)]
        wait_for(lambda: metric(self.server, "disk_ballast_bytes") > 0, what="the ballast")

        self.fill(1, 860)
        self.wait_for_level(1, 1)
        self.refused()
        self.server.call("POST", "/api/metadata/taskdefs", [TASK])  # nothing but starts yet

        self.fill(1, 960)
        self.wait_for_level(1, 2)
        self.refused()
        self.assertEqual(self.server.ask("POST", "/api/metadata/taskdefs", [TASK]).status, 503)
        wait_for(lambda: metric(self.server, "disk_ballast_bytes") == 0, what="the ballast given up")

        self.fill(1, 1000)  # what the ballast gave, too
        done = set()
        for task in self.server.poll("full_disk_task", count=10):
            self.server.update(task)
            done.add(task["workflowInstanceId"])
        self.assertEqual(len(done), 10)
        for workflow_id in running:
            verb = "remove" if workflow_id in done else "terminate-remove"
            gone = self.server.ask("DELETE", f"/api/workflow/{workflow_id}/{verb}?archiveWorkflow=false")
            self.assertEqual(gone.status, 200, gone.body[:300])
        self.refused()

        self.empty(1)
        self.wait_for_level(1, 0)
        wait_for(lambda: start(self.server).status == 200, what="a start")
        wait_for(lambda: metric(self.server, "disk_ballast_bytes") > 0, what="the ballast again")
        self.assertEqual(self.server.ask("GET", f"/api/workflow/{running[0]}").status, 404)


class FullDiskOfThree(FullDisk):
    nodes = 3

    def leads(self, node):
        shown = self.server.at(1).call("GET", "/api/cluster")["nodes"]
        return next(one["leads"] for one in shown if one["id"] == node)

    def test_one_full_disk_stops_nobody_and_its_node_leads_again_later(self):
        before = wait_for(lambda: self.leads(2), what="node 2 to lead")
        self.fill(2, 960)
        wait_for(lambda: self.leads(2) == 0, what="leadership to leave node 2")
        for node in (1, 2, 3):
            for _ in range(5):
                self.assertEqual(start(self.server.at(node)).status, 200)
        shown = self.server.at(3).call("GET", "/api/cluster")["nodes"]
        self.assertEqual([one["room"] for one in shown], ["enough", "hard", "enough"])
        self.empty(2)
        wait_for(lambda: self.leads(2) >= before - 1, seconds=60, what="node 2 to lead again")


run_claims()
