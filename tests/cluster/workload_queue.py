"""queue: no task is lost, none is handed out again before its time, and the urgent go first."""

import time

from workload import Workload, task, task_definition, workflow_definition

RESPONSE_SECONDS = 4
FORGOTTEN = 0.1  # of the tasks, by the worker that got them
RANKED = 40


class Delivery:
    """A task in a worker's hands: when it asked, when it got it."""

    def __init__(self, one, asked, got):
        self.task_id, self.attempt = one["taskId"], one.get("retryCount", 0)
        self.workflow_id, self.asked, self.got = one["workflowInstanceId"], asked, got


def longest_rise(numbers):
    """The length of the longest strictly rising subsequence."""
    ends = []
    for number in numbers:
        place = next((i for i, end in enumerate(ends) if end >= number), len(ends))
        ends[place:place + 1] = [number]
    return len(ends)


def complaints_about(deliveries):
    """What is wrong with deliveries, in order of their arrival: a task handed out twice, or the next
    attempt before the lease of the one before was over."""
    seen, last = {}, {}
    for one in sorted(deliveries, key=lambda each: each.got):
        if one.task_id in seen:
            yield f"{one.task_id} was handed out twice, {one.got - seen[one.task_id].got:.2f} s apart"
        seen[one.task_id] = one
        before = last.get(one.workflow_id)
        if before and one.attempt > before.attempt and one.got < before.asked + RESPONSE_SECONDS:
            yield f"{one.workflow_id}: the next attempt came {one.got - before.asked:.2f} s after the one before"
        last[one.workflow_id] = one


class Queue(Workload):
    """Workers that forget some of what they got."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.answered, self.deliveries = [], []

    def define(self):
        self.insist("POST", "/api/metadata/taskdefs", [
            task_definition("queue_task", RESPONSE_SECONDS), task_definition("ranked_task", 600),
        ])
        self.insist("PUT", "/api/metadata/workflow", [
            workflow_definition("queued", task("queue_task", "only")),
            workflow_definition("ranked", task("ranked_task", "only")),
        ])

    def threads(self):
        return [self.start, self.work, self.work, self.work]

    def start(self):
        workflow_id = self.ask("POST", "/api/workflow", {"name": "queued", "version": 1})
        if workflow_id:
            self.answered.append(workflow_id)
        self.stopped.wait(0.1)

    def work(self):
        self.work_some(FORGOTTEN)

    def work_some(self, forgotten):
        asked = time.monotonic()
        tasks = self.ask("GET", "/api/tasks/poll/batch/queue_task?workerid=queue&count=3&timeout=300")
        got = time.monotonic()
        for one in tasks or []:
            with self.lock:
                self.deliveries.append(Delivery(one, asked, got))
            # A worker may forget what it got, and may come late with it: the lease decides.
            if self.random("random") >= forgotten:
                result = {
                    "workflowInstanceId": one["workflowInstanceId"], "taskId": one["taskId"],
                    "status": "COMPLETED",
                }
                any(self.ask("POST", "/api/tasks", result) for _ in range(5))

    def check(self):
        self.stopped.clear()
        worker = self.spawn(lambda: self.work_some(0))
        for workflow_id, workflow in self.ended(self.answered).items():
            self.expect(workflow["status"] == "COMPLETED", f"{workflow_id} is {workflow['status']}")
        self.stopped.set()
        worker.join()
        for complaint in complaints_about(self.deliveries):
            self.complain(complaint)
        self.check_priority()

    def check_priority(self):
        """Each leader hands out the most urgent first, so what is polled one by one is a merge of as
        many falling sequences as there are leaders: no rise is longer."""
        for _ in range(RANKED):
            priority = self.random("randrange", 100)
            self.insist("POST", "/api/workflow", {"name": "ranked", "version": 1, "priority": priority})
        ranks = []
        while len(ranks) < RANKED:
            got = self.insist("GET", "/api/tasks/poll/batch/ranked_task?workerid=rank&count=1&timeout=1000")
            if not got:
                break
            ranks.append(got[0]["workflowPriority"])
        self.expect(len(ranks) >= RANKED, f"{len(ranks)} of {RANKED} ranked tasks came")
        self.expect(longest_rise(ranks) <= len(self.server.members), f"priorities came as {ranks}")

    def said(self):
        return f"queue {len(self.answered)} tasks, {len(self.deliveries)} deliveries"
