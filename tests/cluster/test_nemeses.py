"""Seven nemeses on three real nodes, four workloads with checkers beside each (nemesis_run.py).

ORPHEUS_NEMESIS_SECONDS (60) each, with fixed seeds; tests/run campaign takes other ones.
"""

import os
import subprocess
import sys
import unittest

import server_under_test  # noqa: F401  (puts the harness on the path)
from claims import run_claims
from nemeses import NEMESES
from nemesis_run import CANNOT

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("ORPHEUS_NEMESIS_SECONDS") or 60)
PATIENCE_SECONDS = 300  # beside the run: settling and checking


class Nemeses(unittest.TestCase):
    def run_one(self, name, seed=1):
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "nemesis_run.py"), name,
             "--seed", str(seed), "--seconds", str(SECONDS)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=SECONDS + PATIENCE_SECONDS,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode == CANNOT:
            self.skipTest(done.stdout.strip())
        self.assertEqual(done.returncode, 0, "its complaints are above")


for one, kind in NEMESES.items():
    def claim(self, name=one):
        self.run_one(name)
    claim.__doc__ = kind.__doc__
    setattr(Nemeses, f"test_{one}", claim)

if __name__ == "__main__":
    run_claims()
