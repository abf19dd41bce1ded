"""A clock that is an hour off: its node leads nothing and fires nothing, says so, and nobody's timer is early or late."""

import os
import time
import unittest

from server_under_test import new_server
from claims import run_claims
from server import wait_for

NODES = (1, 2, 3)
WRONG = 3
HOUR_MS = 3600 * 1000
WAIT_SECONDS = 3
LATE_SECONDS = 3
PAUSE = {
    "name": "pause", "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
    "tasks": [{
        "name": "pause", "taskReferenceName": "pause", "type": "WAIT",
        "inputParameters": {"duration": f"{WAIT_SECONDS} seconds"},
    }],
}


class Clocks(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(new_server(nodes=3))
        self.file = os.path.join(self.server.folder, "clock")
        wait_for(self.is_defined, 15, "a definition that is answered")

    def is_defined(self):
        return self.server.at(1).ask("PUT", "/api/metadata/workflow", [PAUSE]).status == 200

    def shift(self, ms):
        """The wall clock of the node in question is so far ahead from now on."""
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(str(ms))
        os.replace(self.file + ".new", self.file)

    def restart_with_file(self):
        self.server.kill(WRONG)
        os.environ["ORPHEUS_CLOCK_FILE"] = self.file
        try:
            self.server.restart(WRONG)
        finally:
            del os.environ["ORPHEUS_CLOCK_FILE"]

    def shown(self, asked, node):
        nodes = self.server.at(asked).call("GET", "/api/cluster")["nodes"]
        return next(one for one in nodes if one["id"] == node)

    def is_sick_everywhere(self):
        return all(self.shown(asked, WRONG)["clock"] == "sick" for asked in NODES)

    def expect_waits_in_time(self):
        begun = {}
        for turn in range(12):
            client = self.server.at(NODES[turn % 3])
            begun[client.call("POST", "/api/workflow", {"name": "pause"})] = time.monotonic()
        open_ones = dict(begun)
        while open_ones:
            for workflow_id, since in list(open_ones.items()):
                waited = time.monotonic() - since
                if self.server.at(1).workflow(workflow_id)["status"] == "COMPLETED":
                    self.assertGreaterEqual(time.monotonic() - since, WAIT_SECONDS - 0.1, workflow_id)
                    del open_ones[workflow_id]
                else:
                    self.assertLess(waited, WAIT_SECONDS + LATE_SECONDS, workflow_id)
            time.sleep(0.05)  # time is the subject

    def test_a_node_an_hour_off_leads_nothing_until_it_is_set_right(self):
        for off_ms in (HOUR_MS, -HOUR_MS):
            with self.subTest(off_ms=off_ms):
                self.shift(off_ms)
                self.restart_with_file()  # an hour off from its start
                wait_for(self.is_sick_everywhere, 15, "a clock that is found to be sick")
                wait_for(lambda: self.shown(1, WRONG)["leads"] == 0, 15, "no partition led there")
                self.assertAlmostEqual(self.shown(1, WRONG)["clockOffMs"], off_ms, delta=1000)
                self.assertEqual(self.server.at(1).call("GET", "/api/cluster")["time"], "agreed")
                self.assertIn("event=clock_sick", self.server.log(WRONG))
                self.assertIn("orpheus_clock_sick 1\n", self.server.at(WRONG).ask("GET", "/metrics").body.decode())
                self.expect_waits_in_time()
        self.shift(0)
        wait_for(lambda: self.shown(1, WRONG)["clock"] == "ok", 15, "a clock that is well again")
        wait_for(lambda: self.shown(1, WRONG)["leads"] > 0, 60, "partitions that it leads")

    def test_a_clock_that_steps_while_running_makes_nothing_early(self):
        self.shift(0)
        self.restart_with_file()
        wait_for(lambda: self.shown(1, WRONG)["leads"] > 0, 60, "partitions that it leads")
        for off_ms in (HOUR_MS, 0, -HOUR_MS, 0):
            self.shift(off_ms)
            self.expect_waits_in_time()


if __name__ == "__main__":
    run_claims()
