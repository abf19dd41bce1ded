"""The README's quick start: its blocks run as they stand, but for the folder and the port."""

import os
import re
import subprocess
import tempfile
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, free_port

QUICK_START = re.compile(r"<!-- quick start -->\n```sh\n(.*?)```", re.S)


def quick_start():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return "".join(QUICK_START.findall(file.read()))


class QuickStart(unittest.TestCase):
    def test_the_commands_of_the_readme_run_to_their_end(self):
        commands = quick_start()
        self.assertIn("deploy/up", commands)
        self.assertIn("deploy/down", commands)
        port = str(free_port())
        if os.environ.get("ORPHEUS_TEST_PROGRAM"):
            commands = commands.replace("deploy/up\n", f"deploy/up --program {new_server().program}\n")
        with tempfile.TemporaryDirectory(prefix="orpheus-quick-start-") as folder:
            # --fail: an answer that is an error is an error of the README too.
            script = commands.replace("8080", port).replace("curl -s ", "curl -s --fail-with-body ")
            environment = {**os.environ, "XDG_STATE_HOME": folder, "ORPHEUS_HTTP_PORT": port}
            try:
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", script],
                    cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
                )
                self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-4000:])
                self.assertIn("ended: COMPLETED", done.stdout)
                self.assertIn("node 3", done.stdout)
                self.assertIn("stopped", done.stdout)
            finally:
                subprocess.run(["deploy/down"], cwd=ROOT, env=environment, check=False)


run_claims()
