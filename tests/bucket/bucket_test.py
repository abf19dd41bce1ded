#!/usr/bin/env python3
"""A backup to a service that speaks S3 and looks at every signature: taken under load, cut short and gone on
with, verified, restored; what the service refuses is said in words, and no key in any of them.

    build/venv-bucket/bin/python tests/bucket/bucket_test.py
"""

import os
import random
import subprocess
import sys
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "harness"), os.path.join(TESTS, "cluster")]

from s3_server import S3Server  # noqa: E402
from server_under_test import new_server  # noqa: E402
from claims import run_claims  # noqa: E402
from server import wait_for  # noqa: E402
from workload_ledger import Ledger  # noqa: E402

BUCKET = "backups"
REFUSED = 78


class Bucket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s3 = cls.enterClassContext(S3Server())
        cls.s3.open(BUCKET)

    def orpheus(self, server, *words, endpoint=None, **environment):
        """Runs a command of the program; gives the finished process, which told nobody the key."""
        done = subprocess.run(
            [server.program, *words, "--endpoint", endpoint or self.s3.endpoint],
            env=self.s3.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.assertNotIn(self.s3.key["SecretAccessKey"], done.stdout + done.stderr)
        return done

    def command(self, server, *words):
        done = self.orpheus(server, *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def begun(self, server, starts):
        """A ledger that has been at work until so many starts were answered."""
        ledger = Ledger(server, random.Random(7))
        ledger.begin()
        wait_for(lambda: len(ledger.answered) >= starts, 60, f"{starts} starts")
        return ledger

    def expect_alive(self, place, answered, nodes):
        with new_server(nodes=nodes) as server:
            self.command(server, "restore", place, "--node", server.base)
            ledger = Ledger(server, random.Random(8))
            ledger.answered = dict(answered)
            self.assertEqual(ledger.end(), [], f"{nodes} nodes")

    def test_a_backup_under_load_is_verified_and_restored(self):
        place = f"s3://{BUCKET}/mon day&co/1"
        with new_server(nodes=3) as server:
            ledger = self.begun(server, 40)
            answered = dict(ledger.answered)
            self.command(server, "backup", place, "--node", server.base)
            self.assertEqual(ledger.end(), [])
            self.assertIn(" 0 faults", self.command(server, "backup", "verify", place))
            again = self.orpheus(server, "backup", place, "--node", server.base)
            self.assertEqual(again.returncode, REFUSED)
            self.assertIn("a finished backup", again.stderr)
        self.assertIn("mon day&co/1/manifest.json", self.s3.objects(BUCKET))
        self.expect_alive(place, answered, nodes=1)

    def test_a_backup_goes_on_after_its_client_was_killed(self):
        place = f"s3://{BUCKET}/killed"
        with new_server() as server:
            ledger = self.begun(server, 40)
            answered = dict(ledger.answered)
            words = [server.program, "backup", place, "--node", server.base, "--endpoint", self.s3.endpoint]
            with subprocess.Popen(
                words, env=self.s3.environment(), stdout=subprocess.PIPE, text=True
            ) as client:
                client.stdout.readline()
                client.kill()
            unfinished = self.orpheus(server, "backup", "verify", place)
            self.assertEqual(unfinished.returncode, REFUSED)
            self.assertIn("never finished", unfinished.stderr)
            self.command(server, "backup", place, "--node", server.base)
            self.assertEqual(ledger.end(), [])
            self.assertIn(" 0 faults", self.command(server, "backup", "verify", place))
        self.expect_alive(place, answered, nodes=1)

    def test_refusals_are_told_in_words(self):
        with new_server() as server:
            for environment, place, text in (
                ({}, "s3://nowhere-here/x", "there is no bucket nowhere-here"),
                ({"AWS_SECRET_ACCESS_KEY": "other"}, f"s3://{BUCKET}/x", "does not belong to"),
                ({"AWS_ACCESS_KEY_ID": "other"}, f"s3://{BUCKET}/x", "does not know the key"),
                ({"AWS_SESSION_TOKEN": "other"}, f"s3://{BUCKET}/x", "AWS_SESSION_TOKEN"),
                ({"AWS_ACCESS_KEY_ID": None}, f"s3://{BUCKET}/x", "has no AWS_ACCESS_KEY_ID"),
            ):
                done = self.orpheus(server, "backup", place, "--node", server.base, **environment)
                self.assertEqual(done.returncode, REFUSED, done.stderr)
                self.assertIn(text, done.stderr)
            other = self.orpheus(server, "backup", "verify", f"s3://{BUCKET}/x", endpoint=server.base)
            self.assertEqual(other.returncode, REFUSED)
            self.assertIn("is this an endpoint of S3?", other.stderr)

    def test_an_object_that_is_gone_is_missed(self):
        place = f"s3://{BUCKET}/gone"
        with new_server() as server:
            self.begun(server, 10).end()
            self.command(server, "backup", place, "--node", server.base)
            gone = min(name for name in self.s3.objects(BUCKET) if name.startswith("gone/partition-00001.rows"))
            self.s3.client("s3", self.s3.key).delete_object(Bucket=BUCKET, Key=gone)
            found = self.orpheus(server, "backup", "verify", place)
            self.assertEqual(found.returncode, 65, found.stderr)
            self.assertIn("partition-00001.rows", found.stderr)


if __name__ == "__main__":
    run_claims()
