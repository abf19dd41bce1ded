"""timer: a WAIT never ends early, and soon after its time, whoever leads it then."""

import time

from workload import Workload, task, workflow_definition

SECONDS = (1, 2, 3, 5)
# Timers go by the cluster's time (node/time), which the nodes put together from what their clocks show and what the ways
# between them may hide: near a clock of the same machine, not equal to it. 1.4 ms were seen.
APART_MS = 20
LATE_SECONDS = 15  # beside nodes that are away for seconds, with elections at both ends


class Timer(Workload):
    """Executions that wait for some seconds, looked at by server's times and by ours."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.answered = {}
        self.latest = 0

    def define(self):
        self.insist("PUT", "/api/metadata/workflow", [
            workflow_definition(
                f"timer_{seconds}",
                task("pause", "pause", "WAIT", inputParameters={"duration": f"{seconds} seconds"}),
            )
            for seconds in SECONDS
        ])

    def threads(self):
        return [self.start]

    def start(self):
        seconds = self.random("choice", SECONDS)
        sent_ms = time.time() * 1000
        workflow_id = self.ask("POST", "/api/workflow", {"name": f"timer_{seconds}", "version": 1})
        if workflow_id:
            self.answered[workflow_id] = (seconds, sent_ms)
        self.stopped.wait(0.2)

    def check(self):
        for workflow_id, workflow in self.ended(self.answered).items():
            seconds, sent_ms = self.answered[workflow_id]
            [pause] = workflow["tasks"]
            waited = (pause["endTime"] - pause["startTime"]) / 1000
            self.expect(workflow["status"] == "COMPLETED", f"{workflow_id} is {workflow['status']}")
            self.expect(waited >= seconds, f"{workflow_id} waited {waited} s of {seconds}")
            early_ms = sent_ms + seconds * 1000 - pause["endTime"]
            self.expect(early_ms <= APART_MS, f"{workflow_id} ended {early_ms:.1f} ms early by our clock")
            self.expect(waited <= seconds + LATE_SECONDS, f"{workflow_id} waited {waited} s of {seconds}")
            self.latest = max(self.latest, waited - seconds)

    def said(self):
        return f"timer {len(self.answered)}, {self.latest:.1f} s late at most"
