"""How a node enters a cluster, as far as it is the node's own: it asks until it is answered, keeps who it is
in its store's folder, and is refused in words when settings and store do not fit. The cluster here is a
stand-in; test_growing.py has real ones."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from server_under_test import new_server
from claims import run_claims
from server import Client, free_port, wait_for

CLUSTER = "c1000000-0000-4000-8000-000000000001"


def program():
    server = new_server()
    shutil.rmtree(server.folder)
    return server.program


class StandIn:
    """Answers POST /api/cluster/nodes: `answers` in turn, the last one for ever."""

    def __init__(self, *answers):
        self.asked = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                asked.append((self.path, json.loads(self.rfile.read(size))))
                status, body = answers[min(len(asked), len(answers)) - 1]
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Newcomer:
    """A node with a folder and ports of its own, started without deploy/cluster."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port(2)
        self.peer_address = f"127.0.0.1:{self.port + 1}"
        self.key = os.path.join(folder, "key")
        with open(self.key, "w", encoding="ascii") as file:
            file.write("0123456789abcdef" * 4)

    def command(self, *flags):
        return [
            program(), "serve", "--http", f"127.0.0.1:{self.port}", "--cluster-key", self.key,
            "--store", os.path.join(self.folder, "store"), *flags,
        ]

    def identity(self):
        with open(os.path.join(self.folder, "store/identity"), encoding="utf-8") as file:
            lines = [line.split(" = ", 1) for line in file.read().splitlines() if "=" in line]
        return {name: value for name, value in lines if name != "known" and name != "first"}

    def answer(self, node=7):
        """What a cluster of one other node says to it."""
        members = [{"nodeId": 1, "address": "127.0.0.1:1"}, {"nodeId": node, "address": self.peer_address}]
        return {"clusterId": CLUSTER, "nodeId": node, "partitions": 4, "replicas": 3, "members": members}

    @contextlib.contextmanager
    def running(self, *flags):
        """The node while it answers /health; its log is left in `self.said`."""
        path = os.path.join(self.folder, "log")
        with open(path, "wb") as log:
            process = subprocess.Popen(self.command(*flags), stdout=log, stderr=log)
        try:
            def answers():
                self.assert_running(process, path)
                with contextlib.suppress(OSError):
                    return Client(self.port).ask("GET", "/health").status == 200
                return False

            wait_for(answers, what="the node's answer")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            with open(path, encoding="utf-8") as log:
                self.said = log.read()

    @staticmethod
    def assert_running(process, path):
        if process.poll() is not None:
            with open(path, encoding="utf-8") as log:
                raise AssertionError(f"the node ended with {process.returncode}: {log.read()}")

    def ends(self, *flags):
        """Exit code and words of a start that is refused."""
        done = subprocess.run(self.command(*flags), capture_output=True, text=True, timeout=30, check=False)
        return done.returncode, done.stderr + done.stdout


class Joining(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="orpheus-join-")
        self.addCleanup(shutil.rmtree, folder)
        self.node = Newcomer(folder)

    def flags(self, stand_in):
        return ["--join", f"127.0.0.1:1,{stand_in.address}", "--cluster-address", self.node.peer_address]

    def test_it_asks_until_it_is_answered_and_needs_no_flag_after(self):
        busy = (503, {"message": "no leader yet", "status": 503})
        with StandIn(busy, (200, self.node.answer())) as cluster:
            with self.node.running(*self.flags(cluster), "--zone", "b", "--weight", "3"):
                pass
            self.assertEqual(len(cluster.asked), 2)
            path, question = cluster.asked[0]
            self.assertEqual(path, "/api/cluster/nodes")
            self.assertEqual(cluster.asked[1][1], question, "the same store asks again")
            self.assertEqual(question["address"], self.node.peer_address)
            self.assertEqual(question["apiAddress"], f"127.0.0.1:{self.node.port}")
            self.assertEqual((question["zone"], question["weight"]), ("b", 3))
        self.assertIn("join_waits", self.node.said)
        self.assertIn("no leader yet", self.node.said)
        self.assertIn("joined node_id=7", self.node.said)
        identity = self.node.identity()
        self.assertEqual(identity["cluster"], CLUSTER)
        self.assertEqual((identity["state"], identity["node"]), ("member", "7"))
        self.assertEqual(identity["store"], question["storeId"])
        with self.node.running():
            pass
        self.assertNotIn("event=join", self.node.said)
        with self.node.running("--node-id", "7"):
            pass
        self.assertEqual(self.node.identity(), identity)
        self.check_refusals_of_the_store()

    def check_refusals_of_the_store(self):
        code, words = self.node.ends("--node-id", "6")
        self.assertEqual(code, 78, words)
        self.assertIn("is that of node 7, and node-id is 6", words)
        code, words = self.node.ends("--cluster", f"7={self.node.peer_address}", "--node-id", "7")
        self.assertEqual(code, 64, words)
        self.assertIn("take --cluster away", words)
        shutil.rmtree(os.path.join(self.node.folder, "store/state"))
        code, words = self.node.ends()
        self.assertEqual(code, 78, words)
        self.assertIn("the store of node 7", words)
        self.assertIn("--join as a new node", words)

    def test_a_refusal_of_the_cluster_is_shown(self):
        refusal = (409, {"message": "its address is that of node 3", "status": 409})
        with StandIn(refusal) as cluster:
            code, words = self.node.ends(*self.flags(cluster))
        self.assertEqual(code, 64, words)
        self.assertIn("with 409: its address is that of node 3", words)

    def test_a_used_store_does_not_join(self):
        with self.node.running():
            pass
        code, words = self.node.ends("--join", "127.0.0.1:1", "--cluster-address", self.node.peer_address)
        self.assertEqual(code, 78, words)
        self.assertIn("needs an empty store", words)

    def test_it_is_not_announced_before_it_can_be_a_member(self):
        with StandIn((200, self.node.answer())) as cluster:
            code, words = self.node.ends("--join", cluster.address)
            self.assertEqual(code, 64, words)
            self.assertIn("--cluster-address", words)
            os.remove(self.node.key)
            code, words = self.node.ends(*self.flags(cluster))
            self.assertNotEqual(code, 0)
            self.assertIn("key", words)
            self.assertEqual(cluster.asked, [])

    def test_a_store_of_a_list_keeps_to_it(self):
        list_of_one = f"1={self.node.peer_address}"
        with self.node.running("--cluster", list_of_one):
            pass
        with self.node.running():
            pass
        code, words = self.node.ends("--cluster", f"{list_of_one},2=127.0.0.1:1")
        self.assertEqual(code, 78, words)
        self.assertIn("nodes are added with --join", words)
        code, words = self.node.ends("--node-id", "2")
        self.assertEqual(code, 78, words)


run_claims()
