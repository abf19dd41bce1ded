"""register: what one execution holds is written and read through different nodes, linearizably."""

import math
import time

from workload import Workload, task, workflow_definition

KEYS = 6
NOTHING = None


class Operation:
    """A write or a read of one value; `end` of a write that got no answer is infinite."""

    def __init__(self, kind, value, begin, end):
        self.kind, self.value, self.begin, self.end = kind, value, begin, end


def zones_of(history):
    """value → [its write, the earliest end, the latest begin] of the operations on it. A write of
    unknown end that nobody read did not happen. Complaints come as text instead."""
    zones = {NOTHING: [Operation("write", NOTHING, -math.inf, -math.inf), -math.inf, -math.inf]}
    for one in history:
        if one.kind == "write":
            zones[one.value] = [one, one.end, one.begin]
    for one in history:
        if one.kind == "read":
            if one.value not in zones:
                return f"{one.value} was read, and never written"
            zone = zones[one.value]
            if one.end < zone[0].begin:
                return f"{one.value} was read before it was written"
            zone[1], zone[2] = min(zone[1], one.end), max(zone[2], one.begin)
    return [(value, zone[1], zone[2]) for value, zone in zones.items() if zone[1] < math.inf]


def complaint_about(history):
    """Why the history of one register, whose written values differ, is not linearizable; or None.

    Gibbons and Korach, "Testing shared memories": all operations of a value lie around a zone from the
    earliest end to the latest begin. Such zones may not overlap, and a value whose operations all
    overlap in time (a zone the other way round) may not lie inside another's zone.
    """
    zones = zones_of(history)
    if isinstance(zones, str):
        return zones
    forward = sorted((end, begin, value) for value, end, begin in zones if end < begin)
    for (_, until, value), (since, _, following) in zip(forward, forward[1:]):
        if since < until:
            return f"{value} and {following} were both the value at a time"
    for value, end, begin in zones:
        if end >= begin:
            for since, until, around in forward:
                if since < begin and end < until:
                    return f"{value} was the value while {around} was"
    return None


class Register(Workload):
    """Executions whose one human task is given value after value."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.next_value = 0
        self.histories = {}

    def define(self):
        self.insist("PUT", "/api/metadata/workflow", [
            workflow_definition("register", task("register_value", "value", "HUMAN")),
        ])
        for _ in range(KEYS):
            workflow_id = self.insist("POST", "/api/workflow", {"name": "register", "version": 1})
            [human] = self.insist("GET", f"/api/workflow/{workflow_id}")["tasks"]
            self.histories[workflow_id] = (human["taskId"], [])

    def threads(self):
        return [self.write, self.write, self.read, self.read, self.read]

    def pick(self):
        workflow_id = self.random("choice", list(self.histories))
        return workflow_id, *self.histories[workflow_id]

    def note(self, history, *operation):
        with self.lock:
            history.append(Operation(*operation))

    def write(self):
        workflow_id, task_id, history = self.pick()
        with self.lock:
            self.next_value += 1
            value = self.next_value
        begin = time.monotonic()
        answered = self.ask("POST", "/api/tasks", {
            "workflowInstanceId": workflow_id, "taskId": task_id, "status": "IN_PROGRESS",
            "outputData": {"value": value},
        })
        self.note(history, "write", value, begin, time.monotonic() if answered else math.inf)
        self.stopped.wait(0.02)

    def read(self):
        workflow_id, _, history = self.pick()
        begin = time.monotonic()
        workflow = self.ask("GET", f"/api/workflow/{workflow_id}")
        if workflow is not None:
            value = workflow["tasks"][0]["outputData"].get("value", NOTHING)
            self.note(history, "read", value, begin, time.monotonic())
        self.stopped.wait(0.01)

    def check(self):
        for workflow_id, (_, history) in self.histories.items():
            complaint = complaint_about(history)
            self.expect(complaint is None, f"{workflow_id}: {complaint}")

    def said(self):
        operations = [one for _, history in self.histories.values() for one in history]
        return f"register {len(operations)} operations ({sum(one.end == math.inf for one in operations)} unknown)"
