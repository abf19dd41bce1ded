"""The samples that need no worker run as their READMEs say."""

import os
import re
import subprocess
import unittest

from server_under_test import new_server
from claims import run_claims
from server import ROOT, wait_for

SAMPLES = os.path.join(ROOT, "deploy/samples")


class Samples(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(new_server())
        subprocess.run(
            [os.path.join(SAMPLES, "register"), "--server", self.server.base], check=True, capture_output=True
        )

    def countries(self, *words):
        """The sample's other server; its address."""
        process = subprocess.Popen(
            [os.path.join(SAMPLES, "population/countries"), "--port", "0", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        return re.search(r"http://\S+/countries", process.stdout.readline()).group()

    def ended(self, workflow_id):
        found = self.server.workflow(workflow_id)
        return found if found["status"] != "RUNNING" else None

    def extremes(self, source):
        workflow_id = self.server.call("POST", "/api/workflow/population_extremes", {"source": source})
        return wait_for(lambda: self.ended(workflow_id), what="the end of the workflow")

    def test_population_finds_its_extremes(self):
        found = self.extremes(self.countries())
        self.assertEqual(found["status"], "COMPLETED")
        self.assertEqual(found["output"], {
            "least": {"name": "Vatican City", "population": 800},
            "most": {"name": "China", "population": 1411000000},
        })

    def test_population_asks_again_when_it_was_refused(self):
        found = self.extremes(self.countries("--moody"))
        self.assertEqual(found["status"], "COMPLETED")
        asked = [task["status"] for task in found["tasks"] if task["referenceTaskName"] == "countries"]
        self.assertEqual(asked, ["FAILED", "COMPLETED"])


run_claims()
