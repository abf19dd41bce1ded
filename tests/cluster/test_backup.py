"""A backup of nodes that work, one of which dies meanwhile, is whole, verifies, and lives on in clusters of
other sizes: every start that was answered before it began ends there, each step once."""

import os
import random
import subprocess
import tempfile
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for
from workload_ledger import Ledger

REFUSED = 78
DAMAGED = 65


def orpheus(server, *words):
    """Runs a command of the program; gives the finished process."""
    return subprocess.run(
        [server.program, *words], capture_output=True, text=True, check=False, timeout=120
    )


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="orpheus-backup-"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, server, *words):
        done = orpheus(server, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def begun(self, server, starts):
        """A ledger that has been at work until so many starts were answered."""
        ledger = Ledger(server, random.Random(7))
        ledger.begin()
        wait_for(lambda: len(ledger.answered) >= starts, 60, f"{starts} starts")
        return ledger

    def expect_alive(self, folder, answered, nodes):
        """Restores into a cluster of so many nodes and works off what is there."""
        with new_server(nodes=nodes) as server:
            self.command(server, "restore", folder, "--node", server.base)
            ledger = Ledger(server, random.Random(8))
            ledger.answered = dict(answered)
            self.assertEqual(ledger.end(), [], f"{nodes} nodes")
            refused = orpheus(server, "restore", folder, "--node", server.base)
            self.assertEqual(refused.returncode, 0, "what is open is not loaded again")

    def test_a_backup_under_load_is_restored_into_clusters_of_other_sizes(self):
        folder = self.path("whole")
        with new_server(nodes=3) as server:
            ledger = self.begun(server, 40)
            answered = dict(ledger.answered)
            self.command(server, "backup", "--node", server.at(2).base, "--to", folder)
            self.assertEqual(ledger.end(), [])
            self.assertIn(" 0 faults", self.command(server, "backup", "verify", folder))
            refused = orpheus(server, "restore", folder, "--node", server.base)
            self.assertEqual(refused.returncode, REFUSED, refused.stderr)
            self.assertIn("is not empty", refused.stderr)
        self.expect_alive(folder, answered, nodes=1)
        self.expect_alive(folder, answered, nodes=5)

    def test_a_backup_goes_on_although_a_node_dies_and_its_client_was_killed(self):
        folder = self.path("hurt")
        with new_server(nodes=3) as server:
            ledger = self.begun(server, 40)
            answered = dict(ledger.answered)
            words = [server.program, "backup", "--node", server.base, "--to", folder]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as client:
                client.stdout.readline()
                client.kill()
            server.kill(3)
            self.command(server, "backup", "--node", server.base, "--to", folder)
            server.restart(3)
            self.assertEqual(ledger.end(), [])
            self.assertIn(" 0 faults", self.command(server, "backup", "verify", folder))
        self.expect_alive(folder, answered, nodes=3)

    def test_a_changed_byte_is_found_before_anything_is_restored(self):
        folder = self.path("damaged")
        with new_server() as server:
            ledger = self.begun(server, 10)
            self.command(server, "backup", "--node", server.base, "--to", folder)
            self.assertEqual(ledger.end(), [])
            with open(os.path.join(folder, "partition-00001.rows"), "r+b") as rows:
                rows.seek(-1, os.SEEK_END)
                byte = rows.read(1)
                rows.seek(-1, os.SEEK_END)
                rows.write(bytes([byte[0] ^ 1]))
            found = orpheus(server, "backup", "verify", folder)
            self.assertEqual(found.returncode, DAMAGED, found.stderr)
            self.assertIn("partition-00001.rows", found.stderr)


if __name__ == "__main__":
    run_claims()
