"""ledger: every start that was answered ends exactly once, and every step of it was done once."""

from workload import Workload, task, task_definition, workflow_definition

RESPONSE_SECONDS = 4
STEPS = {"first", "second", "below", "inner"}


class Ledger(Workload):
    """Starts with a correlation of their own, workers whose results name the task they did."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.number = 0
        self.answered, self.unanswered, self.did = {}, [], {}

    def define(self):
        self.insist("POST", "/api/metadata/taskdefs", [task_definition("ledger_task", RESPONSE_SECONDS)])
        self.insist("PUT", "/api/metadata/workflow", [
            workflow_definition("ledger_child", task("ledger_task", "inner")),
            workflow_definition(
                "ledger", task("ledger_task", "first"), task("ledger_task", "second"),
                task("child", "below", "SUB_WORKFLOW",
                     subWorkflowParam={"name": "ledger_child", "version": 1}),
            ),
        ])

    def threads(self):
        return [self.start, self.start, self.work, self.work, self.work]

    def start(self):
        with self.lock:
            self.number += 1
            correlation = f"ledger-{self.number}"
        body = {"name": "ledger", "version": 1, "correlationId": correlation}
        workflow_id = self.ask("POST", "/api/workflow", body)
        with self.lock:
            if workflow_id is None:
                self.unanswered.append(correlation)
            else:
                self.answered[workflow_id] = correlation
        self.stopped.wait(0.2)

    def work(self):
        tasks = self.ask("GET", "/api/tasks/poll/batch/ledger_task?workerid=ledger&count=5&timeout=200")
        for one in tasks or []:
            result = {
                "workflowInstanceId": one["workflowInstanceId"], "taskId": one["taskId"],
                "status": "COMPLETED", "outputData": {"did": one["taskId"]},
            }
            # As an SDK does it: the same result again while there is no answer.
            if any(self.ask("POST", "/api/tasks", result) for _ in range(5)):
                with self.lock:
                    self.did[one["taskId"]] = one["workflowInstanceId"]

    def check(self):
        self.stopped.clear()
        workers = [self.spawn(self.work) for _ in range(3)]
        ended = self.ended(self.answered)
        self.stopped.set()
        for worker in workers:
            worker.join()
        tasks = {}
        for workflow_id, workflow in ended.items():
            child = self.check_execution(workflow_id, workflow)
            for one in workflow["tasks"] + child["tasks"]:
                tasks[one["taskId"]] = one
        self.check_starts()
        self.check_results(tasks, ended)

    def check_execution(self, workflow_id, workflow):
        self.expect(workflow["status"] == "COMPLETED", f"{workflow_id} is {workflow['status']}")
        below = [one for one in workflow["tasks"] if one["taskType"] == "SUB_WORKFLOW"]
        child = {"tasks": []}
        if len(below) == 1 and below[0].get("subWorkflowId"):
            child = self.insist("GET", f"/api/workflow/{below[0]['subWorkflowId']}")
            self.expect(child.get("parentWorkflowId") == workflow_id, f"{workflow_id}: a stranger's child")
        done = [one for one in workflow["tasks"] + child["tasks"] if one["status"] == "COMPLETED"]
        references = sorted(one["referenceTaskName"] for one in done)
        self.expect(references == sorted(STEPS), f"{workflow_id}: steps {references}")
        for one in done:
            if one["taskType"] == "ledger_task":
                self.expect(one["outputData"] == {"did": one["taskId"]}, f"{workflow_id}: {one['outputData']}")
        return child

    def check_starts(self):
        def made(correlation):
            path = f"/api/workflow/ledger/correlated/{correlation}?includeClosed=true"
            return [one["workflowId"] for one in self.insist("GET", path)]
        for workflow_id, correlation in self.answered.items():
            self.expect(made(correlation) == [workflow_id], f"{correlation}: {made(correlation)}")
        for correlation in self.unanswered:
            self.expect(len(made(correlation)) <= 1, f"{correlation}: {made(correlation)}")

    def check_results(self, tasks, ended):
        for task_id, workflow_id in self.did.items():
            found = tasks.get(task_id)
            if workflow_id in ended or found:
                self.expect(
                    found is not None and found["status"] in ("COMPLETED", "TIMED_OUT"),
                    f"the answered result of {task_id} is lost: {found and found['status']}",
                )

    def said(self):
        return f"ledger {len(self.answered)} starts ({len(self.unanswered)} unknown), {len(self.did)} results"
