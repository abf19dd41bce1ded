"""deploy/orpheus.conf.sample names every setting with its default and its sentence, and is accepted."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, Server

SAMPLE = os.path.join(ROOT, "deploy/orpheus.conf.sample")
HELP_LINE = re.compile(r"^  --(\S+) +(.*) \(default (.*)\)$", re.M)
SAMPLE_ENTRY = re.compile(r"^# (.+)\n#?([a-z-]+) = (.*)$", re.M)


def program():
    server = new_server()
    shutil.rmtree(server.folder)
    return server.program


class Settings(unittest.TestCase):
    def test_the_sample_names_every_setting_with_its_default_and_sentence(self):
        said = subprocess.run([program(), "help"], capture_output=True, text=True, check=True).stdout
        wanted = {name: (sentence, default) for name, sentence, default in HELP_LINE.findall(said)}
        self.assertGreater(len(wanted), 5, said)
        with open(SAMPLE, encoding="utf-8") as file:
            found = {
                name: (sentence, default) for sentence, name, default in SAMPLE_ENTRY.findall(file.read())
            }
        self.assertEqual(found, wanted)

    def test_a_node_starts_with_every_line_of_the_sample_in_force(self):
        with open(SAMPLE, encoding="utf-8") as file:
            settings = re.sub(r"^#([a-z-]+ = )", r"\1", file.read(), flags=re.M)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "all.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(settings)
            os.environ["ORPHEUS_CONFIG"] = path
            self.addCleanup(os.environ.pop, "ORPHEUS_CONFIG")
            with new_server() as server:
                self.assertIsInstance(server, Server)
                self.assertEqual(server.ask("GET", "/health").status, 200)

    def refusal(self, *flags):
        """What a node says that does not start with these flags; its exit code is that of a setting."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [program(), "serve", "--http", "127.0.0.1:0", "--store", folder + "/store", *flags],
                capture_output=True, text=True, timeout=30, check=False,
            )
        self.assertEqual(done.returncode, 64, done.stderr + done.stdout)
        return done.stderr + done.stdout

    def test_a_list_of_nodes_that_cannot_be_is_refused_in_words(self):
        two = "1=127.0.0.1:1,2=127.0.0.1:2"
        eight = ",".join(f"{number}=127.0.0.1:{number}" for number in range(1, 9))
        self.assertIn("'x' is not NUMBER=HOST:PORT", self.refusal("--cluster", "x"))
        self.assertIn("'0=h:1' is not NUMBER=HOST:PORT", self.refusal("--cluster", "0=h:1"))
        self.assertIn("node 1 stands twice", self.refusal("--cluster", two + ",1=127.0.0.1:3"))
        self.assertIn("does not list this node", self.refusal("--cluster", two, "--node-id", "3"))
        self.assertIn("lists 8 nodes; a cluster is formed by 7 at most", self.refusal("--cluster", eight))
        self.assertIn("--cluster-key", self.refusal("--cluster", two))

    def test_a_count_of_starts_that_cannot_be_read_is_no_first_start(self):
        with new_server() as server:
            server.cluster("stop")
            path = os.path.join(server.folder, "node-1/store/incarnation")
            with open(path, "w", encoding="ascii") as file:
                file.write("not a number\n")
            started = server.cluster("start", check=False)
            self.assertNotEqual(started.returncode, 0)
            self.assertIn("does not hold the number of this node's starts", started.stderr)


run_claims()
