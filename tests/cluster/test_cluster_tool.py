"""deploy/cluster: its verbs do what they say, to its own processes only."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for

sys.path.insert(0, os.path.join(ROOT, "deploy"))
from cluster_health import complaints  # noqa: E402


class ClusterTool(unittest.TestCase):
    def setUp(self):
        self.server = new_server()
        self.addCleanup(shutil.rmtree, self.server.folder)
        self.addCleanup(self.server.cluster, "stop", check=False)

    def only_node(self):
        nodes = json.loads(self.server.cluster("status", "--json").stdout)["nodes"]
        self.assertEqual([node["id"] for node in nodes], [1])
        return nodes[0]

    def test_start_returns_when_the_node_answers_and_status_says_so(self):
        self.server.start()
        self.assertEqual(self.server.ask("GET", "/health").status, 200)
        node = self.only_node()
        self.assertEqual(node["state"], "up")
        self.assertEqual(node["http"], f"127.0.0.1:{self.server.port}")
        os.kill(node["pid"], 0)

    def test_a_second_start_leaves_the_process_alone(self):
        self.server.start()
        before = self.only_node()["pid"]
        self.server.start()
        self.assertEqual(self.only_node()["pid"], before)

    def test_other_settings_are_refused_while_it_runs(self):
        self.server.start()
        refused = self.server.cluster("start", "--http-port", str(self.server.port + 1), check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("stop", refused.stderr)

    def test_kill_leaves_a_node_down_and_restart_brings_it_back_as_another_process(self):
        self.server.start()
        before = self.only_node()["pid"]
        self.server.kill()
        down = self.only_node()
        self.assertEqual((down["state"], down["pid"]), ("down", None))
        self.server.restart()
        after = self.only_node()
        self.assertEqual(after["state"], "up")
        self.assertNotEqual(after["pid"], before)

    def test_stop_ends_the_process_and_can_be_said_twice(self):
        self.server.start()
        pid = self.only_node()["pid"]
        self.server.cluster("stop")
        self.assertEqual(self.only_node()["state"], "down")
        self.assertFalse(os.path.exists(f"/proc/{pid}/fd/0"))
        self.assertIn("was not running", self.server.cluster("stop").stdout)

    def test_a_pid_that_now_belongs_to_another_process_is_left_alone(self):
        self.server.start()
        self.server.kill()
        other = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        self.addCleanup(other.communicate)
        with open(os.path.join(self.server.folder, "node-1/pid"), "w", encoding="ascii") as file:
            json.dump({"pid": other.pid, "start_ticks": 1}, file)
        self.assertEqual(self.only_node()["state"], "down")
        self.server.cluster("stop")
        self.assertNotEqual(self.server.cluster("kill", "1", check=False).returncode, 0)
        self.assertIsNone(other.poll())

    def test_a_taken_port_is_said_to_be_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.server.port))
            taken.listen()
            refused = self.server.cluster(
                "start", "--http-port", str(self.server.port), *self.server.how, check=False
            )
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("is taken", refused.stderr)

    def test_a_program_that_ends_at_once_is_reported_with_its_log(self):
        program = os.path.join(self.server.folder, "broken")
        with open(program, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho level=error event=store_locked >&2\nexit 3\n")
        os.chmod(program, 0o755)
        refused = self.server.cluster(
            "start", "--http-port", str(self.server.port), "--program", program, check=False
        )
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("event=store_locked", refused.stderr)

    def test_a_node_is_restarted_with_another_program(self):
        self.server.start()
        program = os.path.join(self.server.folder, "other")
        with open(program, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\necho the other one >&2\nexec {self.server.program} "$@"\n')
        os.chmod(program, 0o755)
        for words in (["--program", program], []):
            self.server.cluster("restart", "1", *words)
        self.assertEqual(self.server.log().count("the other one"), 2)
        refused = self.server.cluster("restart", "1", "--program", program + "s", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.only_node()["state"], "up")

    def test_logs_prints_what_the_node_wrote(self):
        self.server.start()
        with open(os.path.join(self.server.folder, "node-1/log"), encoding="utf-8") as file:
            self.assertEqual(self.server.log()[:100], file.read()[:100])

    def test_after_sigterm_the_server_starts_again(self):
        self.server.start()
        with open(os.path.join(self.server.folder, "node-1/pid"), encoding="ascii") as file:
            pid = json.load(file)["pid"]
        handle = os.pidfd_open(pid)
        self.addCleanup(os.close, handle)
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        self.server.cluster("stop")
        self.server.start()
        self.assertEqual(self.only_node()["state"], "up")


class Drills(unittest.TestCase):
    """Ways between nodes, cut and mended; clients reach every node meanwhile."""

    def ups(self, server, node):
        return {one["id"] for one in server.at(node).call("GET", "/api/cluster")["nodes"] if one["up"]}

    def test_a_partition_parts_and_heal_mends(self):
        with new_server(nodes=3) as server:
            wait_for(lambda: self.ups(server, 1) == {1, 2, 3}, what="three nodes")
            server.cluster("partition", "3", "1")
            wait_for(lambda: self.ups(server, 3) == {2, 3} and self.ups(server, 1) == {1, 2}, what="a cut")
            self.assertEqual(self.ups(server, 2), {1, 2, 3})
            self.assertIn("event=cut peer=1", server.log(3))
            server.cluster("restart", "3")  # still cut off from node 1
            wait_for(lambda: self.ups(server, 3) == {2, 3}, what="node 3's return")
            self.assertEqual(self.ups(server, 1), {1, 2})
            server.cluster("partition", "3", "2")
            wait_for(lambda: self.ups(server, 3) == {3}, what="node 3 alone")
            server.cluster("heal")
            for node in (1, 2, 3):
                wait_for(lambda node=node: self.ups(server, node) == {1, 2, 3}, what="all of them")
            refused = server.cluster("partition", "2", "2", check=False)
            self.assertIn("cannot be cut off from itself", refused.stderr)


class Health(unittest.TestCase):
    """When a node could be missed, by what all nodes say."""

    def view(self, **more):
        followers = [{"node": 2, "answers": True, "lag": 3}, {"node": 3, "answers": True, "lag": 0}]
        partition = {
            "id": 1, "role": "leader", "term": 4, "followers": followers, "voters": [1, 2, 3],
            "target": [3, 2, 1], **more,
        }
        return {"partitions": [partition], "progress": {"movesLeft": 0}}

    def follower(self):
        return {"partitions": [{"id": 1, "role": "follower", "term": 4}]}

    def test_a_whole_cluster_has_no_complaints(self):
        self.assertEqual(complaints({1: self.view(), 2: self.follower(), 3: self.follower()}), [])

    def test_what_is_missing_is_named(self):
        def only(view):
            found = complaints({1: view, 2: self.follower()})
            self.assertEqual(len(found), 1, found)
            return found[0]
        silent = [{"node": 2, "answers": False, "lag": 0}]
        behind = [{"node": 3, "answers": True, "lag": 5000}]
        self.assertIn("node 2 does not answer its leader", only(self.view(followers=silent)))
        self.assertIn("node 3 is more than 200 entries behind", only(self.view(followers=behind)))
        self.assertIn("fewer copies", only(self.view(voters=[1, 2])))
        self.assertIn("no leader", only(self.follower()))
        self.assertIn("7 copies", only({**self.view(), "progress": {"movesLeft": 7}}))
        self.assertIn("node 9 does not answer", complaints({1: self.view(), 9: None})[0])
        apart = {**self.view(), "nodes": [{"id": 1, "up": True}, {"id": 2, "up": False}]}
        self.assertIn("node 1 has no link to node 2", only(apart))
        gone = {**apart, "members": [{"nodeId": 2, "state": "left"}]}
        self.assertEqual(complaints({1: gone, 2: self.follower()}), [])

    def test_of_two_leaders_the_later_one_is_believed(self):
        old = self.view(term=3, followers=[{"node": 2, "answers": False, "lag": 9}])
        self.assertEqual(complaints({1: old, 2: self.view()}), [])
        self.assertEqual(complaints({1: self.view(), 2: old}), [])


run_claims()
