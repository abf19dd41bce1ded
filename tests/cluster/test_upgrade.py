"""The release before and this one, side by side: upgraded node by node under load, and back again."""

import random
import shutil
import unittest

from server_under_test import new_server
from claims import run_claims
from previous import NotHere, pinned, program
from server import wait_for
from workload_ledger import Ledger

NODES = (1, 2, 3)
STARTS_BETWEEN = 15  # that are answered between two restarts


class TwoReleases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.before = program()
        except NotHere as reason:
            raise unittest.SkipTest(str(reason)) from None

    def is_whole(self, server):
        """Every node answers, is linked with the others, and no copy is behind."""
        for node in NODES:
            shown = server.at(node, 5).call("GET", "/api/cluster")
            if not all(one["up"] for one in shown["nodes"]):
                return False
            for group in shown["partitions"]:
                if group["leader"] == 0:
                    return False
                if any(not one["answers"] or one["lag"] > 100 for one in group.get("followers", [])):
                    return False
        return True

    def wait_for_work(self, server, ledger):
        wait_for(lambda: self.is_whole(server), 60, "the cluster is whole")
        goal = len(ledger.answered) + STARTS_BETWEEN
        wait_for(lambda: len(ledger.answered) >= goal, 60, f"{goal} starts are answered")

    def test_nodes_are_upgraded_one_by_one_and_back_while_work_goes_on(self):
        server = new_server(nodes=len(NODES))
        after = server.program
        server.how = ["--program", self.before, "--nodes", str(len(NODES))]
        server.start()
        ledger = Ledger(server, random.Random(5))
        ledger.begin()
        try:
            for programs in ((1, after), (2, after), (1, self.before), (1, after), (3, after)):
                self.wait_for_work(server, ledger)
                server.restart(*programs)
            self.wait_for_work(server, ledger)
            complaints = ledger.end()
            self.assertEqual(complaints, [], f"previous release {pinned()}")
        finally:
            ledger.stopped.set()  # or its threads go on for ever
            server.cluster("stop", check=False)
        shutil.rmtree(server.folder)


if __name__ == "__main__":
    run_claims()
