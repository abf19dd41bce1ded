"""orpheus cluster status: the cluster in a screenful, and an exit code for scripts."""

import os
import subprocess
import unittest

from server_under_test import new_server
from claims import run_claims
from server import free_port, wait_for

WHOLE, NOT_WHOLE, USAGE, UNAVAILABLE = 0, 1, 64, 69


def orpheus(server, *words):
    return subprocess.run([server.program, "cluster", *words], capture_output=True, text=True, check=False)


class ClusterStatus(unittest.TestCase):
    def status_of(self, server, node, code):
        def shown():
            done = orpheus(server, "status", "--server", server.at(node).base)
            return done.stdout if done.returncode == code else None
        return wait_for(shown, 20, f"exit code {code}")

    def test_three_nodes_and_then_two(self):
        with new_server(nodes=3) as server:
            lines = self.status_of(server, 2, WHOLE).splitlines()
            self.assertEqual([line.split()[1] for line in lines[1:4]], ["up"] * 3)
            self.assertTrue(lines[2].endswith("asked"), lines)
            self.assertIn("without a leader 0", lines[4])
            server.kill(3)
            lines = self.status_of(server, 2, NOT_WHOLE).splitlines()
            self.assertEqual([line.split()[1] for line in lines[1:4]], ["up", "up", "down"])

    def test_a_node_alone_is_whole(self):
        with new_server() as server:
            self.assertIn("    1  up", self.status_of(server, 1, WHOLE))

    def test_nobody_there_and_nonsense(self):
        server = new_server()
        os.rmdir(server.folder)
        done = orpheus(server, "status", "--server", f"http://127.0.0.1:{free_port()}")
        self.assertEqual((done.returncode, done.stdout), (UNAVAILABLE, ""))
        self.assertIn("/api/cluster", done.stderr)
        self.assertEqual(orpheus(server, "status", "--sever", "x").returncode, USAGE)
        self.assertEqual(orpheus(server, "stats").returncode, USAGE)


if __name__ == "__main__":
    run_claims()
