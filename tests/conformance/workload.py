"""What the SDK test does to the server: starts, a loan officer, and the records of the workers."""

import glob
import itertools
import json
import os
import random
import threading

from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.start_workflow_request import StartWorkflowRequest
from conductor.client.http.rest import ApiException
from conductor.client.orkes_clients import OrkesClients

from server import ROOT, wait_for

TERMINAL = ("COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")
LOST = "LOST"  # ours: the server does not know it
HANDLER = "order_compensation"  # the failure workflow of order_saga
OPEN_MAX = 30  # executions in hand at a time
AFTER_REFUSAL_SECONDS = 0.1


def as_sent(model):
    """An SDK model as the JSON it came from: attributes by their wire names, nothing that is null."""
    if isinstance(model, list):
        return [as_sent(one) for one in model]
    if isinstance(model, dict):
        return {key: as_sent(value) for key, value in model.items()}
    if hasattr(model, "attribute_map"):
        named = ((wire, getattr(model, name, None)) for name, wire in model.attribute_map.items())
        return {wire: as_sent(value) for wire, value in named if value is not None}
    return model


def handler_of(workflow):
    """The id of the failure workflow that a failed execution started, or None."""
    return workflow.get("output", {}).get("conductor.failure_workflow") if workflow else None


class Clients:
    """The SDK's clients of every node, each call through the next one: what is written through one is
    read through another, and a call after one that got no answer goes elsewhere. A call that got no
    answer raises ApiException or is asked again."""

    def __init__(self, bases):
        made = [OrkesClients(configuration=Configuration(base_url=base)) for base in bases]
        self.workflow_clients = itertools.cycle([one.get_workflow_client() for one in made])
        self.task_clients = itertools.cycle([one.get_task_client() for one in made])
        self.metadata_clients = itertools.cycle([one.get_metadata_client() for one in made])
        self.ended, self.handlers = {}, {}

    @property
    def workflow_client(self):
        return next(self.workflow_clients)

    @property
    def task_client(self):
        return next(self.task_clients)

    @property
    def metadata_client(self):
        return next(self.metadata_clients)

    def register(self, samples):
        for sample in samples:
            folder = os.path.join(ROOT, "deploy/samples", sample)
            for kind, verb in (("tasks", "register_task_def"), ("workflows", "update_workflow_def")):
                with open(os.path.join(folder, kind + ".json"), encoding="utf-8") as file:
                    for definition in json.load(file):
                        getattr(self.metadata_client, verb)(definition)

    def insist(self, question):
        """Asks until there is an answer; only for questions that change nothing."""
        def ask():
            try:
                return [question()]
            except ApiException as error:
                if error.status in (0, None, 503):
                    return None
                raise
        return wait_for(ask, 60, "an answer")[0]

    def load(self, workflow_id, with_tasks=True):
        """The execution as JSON, or None when the server says that there is none."""
        try:
            return as_sent(self.insist(lambda: self.workflow_client.get_workflow(workflow_id, with_tasks)))
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def status(self, workflow_id):
        if workflow_id not in self.ended:
            found = self.load(workflow_id, False)
            status = found["status"] if found else LOST
            if status not in TERMINAL + (LOST,):
                return status
            self.ended[workflow_id] = status
        return self.ended[workflow_id]

    def has_ended(self, workflow_id):
        return self.status(workflow_id) in TERMINAL + (LOST,)

    def handlers_of(self, workflow_ids):
        """The failure workflows of those that have failed."""
        for one in workflow_ids - self.handlers.keys():
            if self.ended.get(one) == "FAILED":
                self.handlers[one] = handler_of(self.load(one, False))
        return {one for one in self.handlers.values() if one}

    def load_family(self, workflow_ids):
        """Every execution of `workflow_ids`, their parents, children and failure workflows, by id; lost
        ones left out."""
        loaded, looked_at, wanted = {}, set(), set(workflow_ids)
        while wanted:
            workflow_id = wanted.pop()
            looked_at.add(workflow_id)
            workflow = self.load(workflow_id)
            if workflow is None:
                continue
            loaded[workflow_id] = workflow
            relatives = {task.get("subWorkflowId") for task in workflow["tasks"]}
            relatives |= {workflow.get("parentWorkflowId"), handler_of(workflow)}
            wanted |= {one for one in relatives if one} - looked_at
        return loaded

    @staticmethod
    def tasks_of(workflows):
        return {task["taskId"]: task for one in workflows.values() for task in one["tasks"]}


class Wanted:
    """One start: what was asked for, and how it has to end."""

    KINDS = (
        "image", "gallery", "approve", "reject", "officer yes", "officer no", "incomplete",
        "order", "order unpaid", "order unsent",
    )
    # What the shop's books say of an order in the end.
    DEEDS = {
        "order": {"reserve", "charge", "ship"},
        "order unpaid": {"reserve", "release"},
        "order unsent": {"reserve", "charge", "refund", "release"},
    }

    def __init__(self, number, kind, folder):
        self.kind = kind
        self.correlation = f"start-{number}"
        if kind in ("image", "gallery"):
            self.name = "image_conversion" if kind == "image" else "image_gallery"
            self.width, self.height = 16 + number % 40, 12 + number % 30
            self.input = {
                "folder": os.path.join(folder, "pictures", str(number)),
                "width": self.width, "height": self.height, "seed": number,
            }
            if kind == "gallery":
                self.input["widths"] = list(range(2, 3 + number % 9))
        elif kind in self.DEEDS:
            self.name = "order_saga"
            self.input = {
                "books": os.path.join(folder, "books"), "order": str(number), "items": ["tea"],
                "amount": 2000 if kind == "order unpaid" else 20,
                "address": None if kind == "order unsent" else "Baker Street",
            }
        else:
            self.name = "loan_application"
            income = {"approve": 900, "reject": 100}.get(kind, 400)
            self.input = {"applicant": f"applicant {number}", "income": income, "amount": 1000 - income}
            if kind == "incomplete":
                del self.input["amount"]
        self.decision = {"officer yes": "approve", "officer no": "decline"}.get(kind)

    def complaint_about(self, end, ends):
        """What is wrong with how it ended, or None; `ends` are all executions by id."""
        if end is None:
            return "it is gone"
        fails = self.kind in ("incomplete", "order unpaid", "order unsent")
        status = "FAILED" if fails else "COMPLETED"
        if end["status"] != status:
            return f"{end['status']} instead of {status}: {end.get('reasonForIncompletion')}"
        if end["input"] != self.input:
            return f"its input became {end['input']}"
        output = end["output"]
        if self.kind == "image":
            pixels, files = self.width * self.height, (output.get("thumbnail"), output.get("page"))
            missing = [file for file in files if not file or not os.path.exists(file)]
            return None if output.get("pixels") == pixels and not missing else f"its output is {output}"
        if self.kind == "gallery":
            files = output.get("files") or []
            shown = os.path.exists(output.get("page") or "") and all(map(os.path.exists, files))
            right = shown and len(files) == len(self.input["widths"])
            return None if right else f"its output is {output}"
        if self.kind in self.DEEDS:
            return self.complaint_about_order(end, ends)
        decision = {
            "approve": "approved", "officer yes": "approved", "officer no": "declined",
            "reject": "rejected", "incomplete": "incomplete",
        }[self.kind]
        return None if output.get("decision") == decision else f"its output is {output}"

    def complaint_about_order(self, end, ends):
        begun = f"{self.input['order']}."
        books = os.listdir(self.input["books"])
        deeds = {file[len(begun):] for file in books if file.startswith(begun)}
        if deeds != self.DEEDS[self.kind]:
            return f"the books say {sorted(deeds)}"
        handler = ends.get(handler_of(end))
        if end["status"] == "FAILED" and (handler is None or handler["status"] != "COMPLETED"):
            return "its compensation is not COMPLETED"
        return None


class Starter(threading.Thread):
    """Starts executions, `open_max` in hand; remembers which starts were answered."""

    def __init__(self, clients, folder, seed, stopped, open_max=OPEN_MAX):
        super().__init__(daemon=True)
        self.open_max = open_max
        self.clients, self.folder, self.stopped = clients, folder, stopped
        self.chance = random.Random(seed)
        self.answered, self.unanswered = {}, []
        self.winding_up = threading.Event()

    def run(self):
        number = 0
        while not self.winding_up.is_set() and not self.stopped.is_set():
            if self.open_count() >= self.open_max:
                self.stopped.wait(AFTER_REFUSAL_SECONDS)
                continue
            number += 1
            wanted = Wanted(number, self.chance.choice(Wanted.KINDS), self.folder)
            request = StartWorkflowRequest(
                name=wanted.name, version=1, input=wanted.input, correlation_id=wanted.correlation
            )
            try:
                self.answered[self.clients.workflow_client.start_workflow(request)] = wanted
            except ApiException:
                self.unanswered.append(wanted.correlation)
                self.stopped.wait(AFTER_REFUSAL_SECONDS)

    def open_count(self):
        try:
            return sum(not self.clients.has_ended(one) for one in list(self.answered)[-200:])
        except (ApiException, AssertionError):
            return self.open_max

    def wind_up(self):
        self.winding_up.set()
        self.join()


class Officer(threading.Thread):
    """Decides the loan applications that wait for a person; remembers which decisions were answered.

    An application whose start was never answered is known from the tasks that workers got for it; it
    is approved, once no answer of a start can be under way any more.
    """

    def __init__(self, clients, starter, records, stopped):
        super().__init__(daemon=True)
        self.clients, self.starter, self.records, self.stopped = clients, starter, records, stopped
        self.answered, self.done = {}, set()

    def run(self):
        while not self.stopped.wait(AFTER_REFUSAL_SECONDS):
            starting = self.starter.is_alive()
            answered = dict(self.starter.answered)
            unanswered = set() if starting else self.records.workflows()
            for workflow_id in (answered.keys() | unanswered) - self.done:
                wanted = answered.get(workflow_id)
                if wanted and not wanted.decision:
                    self.done.add(workflow_id)
                elif not self.stopped.is_set():
                    self.decide(workflow_id, wanted.decision if wanted else "approve")

    def decide(self, workflow_id, decision):
        try:
            workflow = self.clients.workflow_client.get_workflow(workflow_id, True)
            waiting = [one for one in workflow.tasks if one.task_type == "HUMAN"]
            if not waiting:
                if workflow.status in TERMINAL:
                    self.done.add(workflow_id)
                return
            if waiting[0].status == "IN_PROGRESS":
                self.clients.task_client.update_task_sync(
                    workflow_id, "officer_decision", "COMPLETED", {"decision": decision}
                )
                self.answered[workflow_id] = decision
            self.done.add(workflow_id)
        except ApiException:
            return  # no answer: looked at again


class Records:
    """What the workers sent and what was answered, from the files of recorded_workers.py."""

    def __init__(self, folder):
        self.folder = folder
        self.offsets, self.lines, self.answered_count = {}, [], 0
        self.lock = threading.Lock()

    def read(self):
        """Takes in what was added since the last time; a line still being written waits."""
        with self.lock:
            for path in glob.glob(os.path.join(self.folder, "*.jsonl")):
                with open(path, "rb") as file:
                    file.seek(self.offsets.get(path, 0))
                    added = file.read()
                whole = added[: added.rfind(b"\n") + 1]
                self.offsets[path] = self.offsets.get(path, 0) + len(whole)
                lines = [json.loads(line) for line in whole.splitlines()]
                self.answered_count += sum("answered" in line for line in lines)
                self.lines += lines
        return self.lines

    def count_answered(self):
        self.read()
        return self.answered_count

    def workflows(self):
        return {line["workflow"] for line in self.read() if "workflow" in line}

    def troubles(self):
        return [line["trouble"] for line in self.read() if "trouble" in line]

    def answered(self):
        """task id → (when the answer was there, status and output that were sent)."""
        sent = {
            line["sent"]: (line["status"], line["output"]) for line in self.read() if "sent" in line
        }
        return {
            line["answered"]: (line["ms"], *sent[line["answered"]])
            for line in self.read()
            if "answered" in line
        }
