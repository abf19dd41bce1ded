"""Nodes come and go under load, and nobody who asks as the API tells them to is refused: 1 to 3 to 5 nodes
and back, a node whose disk is lost, one restart after the other. The ledger checks that nothing was lost
and nothing done twice."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for
from workload_patient import PatientLedger

sys.path.insert(0, os.path.join(ROOT, "deploy"))
from cluster_health import complaints  # noqa: E402

QUIET_SECONDS = 5  # of load with nothing happening, to compare with
PARTITIONS = 16
REFUSED = 77


@contextlib.contextmanager
def under_load(claim, server, seed):
    """The ledger while the block runs; then its checks, and that no call failed."""
    load = PatientLedger(server, random.Random(seed))
    load.begin()
    try:
        yield load
    finally:
        complaints = load.end()
        print(f"{claim.id().rsplit('.', 1)[1]}: {load.said()}", flush=True)
    claim.assertEqual(complaints, [])
    claim.assertEqual(load.failures, [])


def seen(server):
    """GET /api/cluster of the first node that runs."""
    return server.at(1).call("GET", "/api/cluster")


def members(server):
    """Their states by number; who left is none."""
    return {one["nodeId"]: one["state"] for one in seen(server)["members"] if one["state"] != "left"}


def copies(server, nodes):
    """How many voters each partition has, by what its leader says, once nothing is on its way. `nodes`:
    as many as there are, to ask them all."""
    numbers = sorted(members(server))[:nodes]
    found = {}
    for number in numbers:
        for one in server.at(number).call("GET", "/api/cluster")["partitions"]:
            if one.get("role") == "leader" and one["id"] > 0:
                found[one["id"]] = len(one["voters"])
    return sorted(found.values())


def reasons_to_wait(server):
    return complaints({node: server.at(node).call("GET", "/api/cluster") for node in (1, 2, 3)})


def wanted_copies(nodes):
    return [min(3, nodes)] * PARTITIONS


def held_by(server, partition, nodes):
    """Who votes in a partition, by what its leader says; None while it has none."""
    for node in nodes:
        for one in server.at(node).call("GET", "/api/cluster")["partitions"]:
            if one["id"] == partition and one.get("role") == "leader":
                return sorted(one["voters"])
    return None


def orpheus(server, *words):
    done = subprocess.run(
        [server.program, "cluster", *words, "--server", server.at(1).base], capture_output=True, text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"orpheus cluster {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def watched(server):
    """What `orpheus cluster status --watch` shows during the block, as lines once that is over."""
    lines = []
    words = [server.program, "cluster", "status", "--watch", "--server", server.at(1).base]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watch:
        try:
            yield lines
        finally:
            watch.terminate()
            lines += watch.stdout.read().splitlines()


def enough(load, count):
    """Waits for so many more starts to be answered."""
    wanted = len(load.answered) + count
    wait_for(lambda: len(load.answered) >= wanted, 30, f"{count} starts")


class Growing(unittest.TestCase):
    def test_one_node_becomes_five_and_three_again(self):
        with new_server(nodes=1, grows_to=5, partitions=PARTITIONS) as server:
            with under_load(self, server, 3) as load:
                enough(load, 20)
                for node in (2, 3, 4, 5):
                    load.come(node, server.cluster("add").stdout)
                    self.assertEqual(copies(server, node), wanted_copies(node), f"with {node} nodes")
                    enough(load, 20)
                for node in (5, 4):
                    load.go(node, server.cluster("remove", str(node)).stdout)
                    self.assertEqual(copies(server, node - 1), wanted_copies(node - 1))
                    enough(load, 20)
            self.assertEqual(members(server), {1: "active", 2: "active", 3: "active"})
            refused = server.cluster("remove", "3", check=False)
            self.assertEqual(refused.returncode, REFUSED, refused.stdout + refused.stderr)

    def test_replicas_are_moved_by_hand_and_can_be_watched(self):
        everywhere = (1, 2, 3, 4)
        with new_server(nodes=4, partitions=PARTITIONS) as server:
            with under_load(self, server, 6) as load:
                enough(load, 20)
                with watched(server) as lines:
                    for partition in range(1, 7):
                        voters = held_by(server, partition, everywhere)
                        [to] = set(everywhere) - set(voters)
                        source = voters[partition % 3]
                        said = orpheus(server, "move", str(partition), "--from", str(source), "--to", str(to))
                        self.assertTrue(said.endswith("1 of 1 moves done\n"), said)
                        wanted = sorted({*voters, to} - {source})
                        self.assertEqual(held_by(server, partition, everywhere), wanted)
                enough(load, 20)
                self.assertEqual(copies(server, 4), wanted_copies(4))
            self.assertEqual([line for line in lines if "lack a copy" in line], [])
            # One copy more or less, now here, now there; nobody goes down.
            rows = {tuple(line.split()[:4:3]) for line in lines if line.split()[1:2] == ["up"]}
            print(f"{len(lines)} lines watched: node and copies {sorted(rows)}")
            self.assertGreater(len(rows), len(everywhere))
            self.assertEqual([line for line in lines if line.split()[1:2] == ["down"]], [])

    def test_a_node_that_was_removed_while_it_was_down_hears_it_and_stops(self):
        with new_server(nodes=1, grows_to=4, partitions=PARTITIONS) as server:
            with under_load(self, server, 7) as load:
                for node in (2, 3, 4):
                    load.come(node, server.cluster("add").stdout)
                wait_for(lambda: seen(server)["progress"]["movesLeft"] == 0, 60, "the end of the moves")
                load.go(4)
                server.kill(4)
                orpheus(server, "remove", "4")
                self.assertEqual(copies(server, 3), wanted_copies(3))
                enough(load, 20)
                server.cluster("restart", "4", check=False)
                wait_for(lambda: "event=stopped" in server.log(4), 20, "the end of the node")
                said = server.log(4)
                enough(load, 20)
            self.assertIn("event=removed_while_away", said)
            self.assertNotIn("event=leading", said)
            self.assertEqual(members(server), {1: "active", 2: "active", 3: "active"})
            self.assertEqual(copies(server, 3), wanted_copies(3))
            again = server.cluster("restart", "4", check=False)
            self.assertNotEqual(again.returncode, 0)
            wait_for(lambda: "node 4 has left its cluster" in server.log(4), 20, "what to do")

    def test_a_node_whose_disk_is_lost_is_replaced(self):
        with new_server(nodes=3, grows_to=4, partitions=PARTITIONS) as server:
            with under_load(self, server, 4) as load:
                enough(load, 50)
                load.go(3)
                server.kill(3)
                shutil.rmtree(os.path.join(server.folder, "node-3/store"))
                load.come(4, server.cluster("replace", "3").stdout)
                self.assertEqual(copies(server, 3), wanted_copies(3))
                enough(load, 50)
            self.assertEqual(members(server), {1: "active", 2: "active", 4: "active"})

    def test_an_emptied_node_of_the_list_gets_its_copies_again(self):
        with new_server(nodes=3, partitions=PARTITIONS) as server:
            with under_load(self, server, 5) as load:
                enough(load, 50)
                load.go(2)
                server.kill(2)
                shutil.rmtree(os.path.join(server.folder, "node-2/store"))
                server.restart(2)
                load.come(2)
                enough(load, 20)
            # Node 1 can only be missed when node 2 has what it had.
            wait_for(lambda: reasons_to_wait(server) == [], 30, "three whole copies")
            server.kill(1)
            ended = list(load.answered)[:20]
            for workflow_id in ended:
                found = wait_for(lambda one=workflow_id: server.at(2).ask("GET", f"/api/workflow/{one}"), 30)
                self.assertEqual((found.status, found.json()["status"]), (200, "COMPLETED"))

    def test_a_node_is_started_while_another_waits_to_join(self):
        """Without a majority nobody is let in: who waits must not keep the lost ones from coming back."""
        with new_server(nodes=3, grows_to=4, partitions=PARTITIONS) as server:
            server.kill(2)
            server.kill(3)
            adding = threading.Thread(target=server.cluster, args=["add", "--no-wait"])
            adding.start()
            try:
                wait_for(lambda: "event=join_waits" in server.cluster("logs", "4", check=False).stdout, 30)
                server.restart(2)
            finally:
                adding.join()
            wait_for(lambda: members(server).get(4) == "active", 30, "node 4 is a member")

    def test_each_node_is_restarted_and_no_call_fails(self):
        with new_server(nodes=3) as server, under_load(self, server, 1) as load:
            enough(load, 50)
            begun = time.monotonic()
            wait_for(lambda: time.monotonic() - begun > QUIET_SECONDS, 60)
            quiet_until = time.monotonic()
            done = server.cluster("rolling-restart")
            ended = time.monotonic()
            self.assertEqual(done.stdout.count("caught up"), 3, done.stdout)
            quiet = load.quantile(0.999, begun, quiet_until)
            restarts = load.quantile(0.999, quiet_until, ended)
            print(f"p99.9 {1000 * quiet:.0f} ms quiet, {1000 * restarts:.0f} ms in {ended - quiet_until:.0f} s"
                  f" of restarts")

    def test_a_rolling_restart_waits_for_who_is_missing(self):
        with new_server(nodes=3) as server:
            server.kill(2)
            refused = server.cluster("rolling-restart", "--patience", "2", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("node 2 does not answer", refused.stderr)
            self.assertEqual(refused.stdout, "")


run_claims()
