"""HTTP tasks while leadership moves: a call outlives the node's leadership, and is made once as long as the
node that makes it lives."""

import collections
import http.server
import json
import threading
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

NODES = (1, 2, 3)
CALLS = 24
SLOW_SECONDS = 3
CONNECT_MS, READ_MS, READS, GRACE_MS = 500, 4000, 4, 2000  # the lease of a claim: scheduler/tasks/http.c
LEASE_SECONDS = (CONNECT_MS + READS * READ_MS + GRACE_MS) / 1000


class SlowPeer:
    """Answers each request after three seconds, and remembers its key."""

    def __init__(self):
        self.keys, self.answered, self.lock = [], collections.Counter(), threading.Lock()
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                key = self.headers["Idempotency-Key"]
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with peer.lock:
                    peer.keys.append(key)
                time.sleep(SLOW_SECONDS)  # time is the subject: how slow the peer is
                body = json.dumps({"key": key}).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return  # the caller is gone
                with peer.lock:
                    peer.answered[key] += 1

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 2 * CALLS
            daemon_threads = True

        self.server = Listener(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def figure(client, name):
    for line in client.call("GET", "/metrics").splitlines():
        if line.startswith(name + " "):
            return int(float(line.split()[1]))
    raise AssertionError(f"no figure {name}")


class CallsWhileLeadersMove(unittest.TestCase):
    def setUp(self):
        self.peer = SlowPeer()
        self.addCleanup(self.peer.close)
        self.server = self.enterContext(new_server(nodes=3))

    def start_all(self):
        """Executions whose calls are all under way, and how many each node makes."""
        self.server.call("PUT", "/api/metadata/workflow", [{
            "name": "slow", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
            "tasks": [{
                "name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {
                    "uri": self.peer.uri, "method": "POST", "body": {},
                    "connectionTimeOut": CONNECT_MS, "readTimeOut": READ_MS,
                },
            }],
        }])
        ids = [
            self.server.at(NODES[i % 3]).call("POST", "/api/workflow", {"name": "slow", "version": 1})
            for i in range(CALLS)
        ]
        wait_for(lambda: len(self.peer.keys) == CALLS, SLOW_SECONDS, "all calls")
        return ids, {node: figure(self.server.at(node), "orpheus_calls_open") for node in NODES}

    def ends(self, ids, node, seconds):
        """The tasks of the executions, once all have completed; and after how long that was."""
        begun = time.monotonic()
        client = self.server.at(node)
        found = {}

        def completed():
            for one in set(ids) - set(found):
                workflow = client.workflow(one)
                if workflow["status"] == "COMPLETED":
                    found[one] = workflow["tasks"]
            return len(found) == len(ids)

        wait_for(completed, seconds, "the end of all executions")
        return [tasks for tasks in found.values()], time.monotonic() - begun

    def test_a_node_that_is_stopped_brings_its_answers_to_who_leads_then(self):
        ids, made = self.start_all()
        victim = max(made, key=made.get)
        self.assertGreater(made[victim], 0)
        self.server.cluster("restart", str(victim))
        tasks, seconds = self.ends(ids, victim, LEASE_SECONDS / 2)
        print(f"{made[victim]} of {CALLS} calls were the stopped node's, all ended {seconds:.1f} s after it was back")
        self.assertEqual(collections.Counter(self.peer.keys).most_common(1)[0][1], 1)
        self.assertEqual([len(one) for one in tasks], [1] * CALLS)
        self.assertEqual({one[0]["pollCount"] for one in tasks}, {1})

    def test_a_node_that_stood_still_brings_its_answers_when_it_goes_on(self):
        ids, made = self.start_all()
        victim = max(made, key=made.get)
        other = NODES[victim % 3]
        self.server.pause(victim)
        wait_for(lambda: self.leads_nothing(victim, other), 10, "other leaders")
        self.server.resume(victim)
        tasks, seconds = self.ends(ids, other, LEASE_SECONDS / 2)
        print(f"{made[victim]} of {CALLS} calls were the silent node's, all ended {seconds:.1f} s after it went on")
        self.assertEqual(collections.Counter(self.peer.keys).most_common(1)[0][1], 1)
        self.assertEqual({one[0]["pollCount"] for one in tasks}, {1})

    def leads_nothing(self, victim, asked):
        partitions = self.server.at(asked).call("GET", "/api/cluster")["partitions"]
        return all(one.get("leader", 0) not in (0, victim) for one in partitions)

    def test_calls_of_a_node_that_is_killed_are_made_again_when_their_leases_end_and_no_others(self):
        ids, made = self.start_all()
        victim = max(made, key=made.get)
        self.server.kill(victim)
        killed = time.monotonic()
        tasks, _ = self.ends(ids, NODES[victim % 3], 2 * LEASE_SECONDS)
        again = [key for key, times in collections.Counter(self.peer.keys).items() if times > 1]
        print(f"{len(again)} calls were made again, all ended {time.monotonic() - killed:.1f} s after the kill")
        self.assertEqual(len(again), made[victim])
        self.assertEqual(len(self.peer.keys), CALLS + made[victim])
        repeated = {one[0]["taskId"] for one in tasks if one[0]["pollCount"] > 1}
        self.assertEqual(repeated, set(again))


run_claims()
