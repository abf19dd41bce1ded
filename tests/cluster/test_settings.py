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


run_claims()
