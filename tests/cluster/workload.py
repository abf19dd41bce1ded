"""What the workloads of the nemesis runs share: clients at random nodes, threads, complaints.

A workload runs in threads until it is told to stop, keeps what it was answered, and checks that
afterwards. No answer, and 503, are what a client of a hurt cluster has to expect: the call may or may
not have happened. Any other refusal that the workload does not expect is a complaint.
"""

import http.client
import threading
import time

NO_ANSWER_SECONDS = 2
SETTLE_SECONDS = 60
UNKNOWN = (500, 503, 504)  # it may have happened
COMPLAINTS_MAX = 20


class Workload:
    """One workload on a cluster. `define` once, `threads` until `stopped`, `check` at the end."""

    def __init__(self, server, chance):
        self.server = server
        self.chance = chance
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.complaints = []
        self.running = []

    def define(self):
        raise NotImplementedError

    def threads(self):
        """Functions that do one step each; they are called again and again."""
        raise NotImplementedError

    def check(self):
        raise NotImplementedError

    def begin(self):
        self.define()
        self.running = [self.spawn(step) for step in self.threads()]

    def end(self):
        """Stops the threads and checks; gives the complaints."""
        self.stopped.set()
        for thread in self.running:
            thread.join()
        self.check()
        return self.complaints

    def spawn(self, step):
        thread = threading.Thread(target=self.repeat, args=[step])
        thread.start()
        return thread

    def repeat(self, step):
        while not self.stopped.is_set():
            try:
                step()
            except Exception as error:  # a workload that dies silently would prove nothing
                self.complain(f"{type(error).__name__}: {error}")
                raise

    def complain(self, text):
        with self.lock:
            if len(self.complaints) < COMPLAINTS_MAX:
                self.complaints.append(f"{type(self).__name__}: {text}")

    def expect(self, condition, text):
        if not condition:
            self.complain(text)

    def random(self, function, *arguments):
        """`chance` is one generator for all threads."""
        with self.lock:
            return getattr(self.chance, function)(*arguments)

    def client(self):
        return self.server.at(self.random("choice", self.server.members), NO_ANSWER_SECONDS)

    def ask(self, method, path, body=None):
        """One call at a random node: the answer's JSON or text, or None when it is not known what
        happened."""
        try:
            answer = self.client().ask(method, path, body)
        except (OSError, http.client.HTTPException):
            return None
        if answer.status in UNKNOWN:
            self.stopped.wait(0.05)  # what Retry-After asks for, cut short
            return None
        if answer.status >= 400:
            self.complain(f"{method} {path}: {answer.status} {answer.text()[:200]}")
            return None
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.json() if is_json else answer.text() or True

    def insist(self, method, path, body=None):
        """As ask, again and again at other nodes; for what may happen twice."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            found = self.ask(method, path, body)
            if found is not None:
                return found
        raise AssertionError(f"{method} {path}: no answer within {SETTLE_SECONDS} s")

    def ended(self, workflow_ids):
        """The executions by id once they have ended; those that do not are complained about."""
        found, left = {}, list(workflow_ids)
        deadline = time.monotonic() + SETTLE_SECONDS
        while left and time.monotonic() < deadline:
            for workflow_id in left:
                workflow = self.insist("GET", f"/api/workflow/{workflow_id}")
                if workflow["status"] not in ("RUNNING", "PAUSED"):
                    found[workflow_id] = workflow
            left = [one for one in left if one not in found]
        for one in left:
            self.complain(f"{one} did not end within {SETTLE_SECONDS} s")
        return found


def task_definition(name, response_seconds):
    return {
        "name": name, "ownerEmail": "test@example.com", "retryCount": 30, "retryDelaySeconds": 0,
        "timeoutSeconds": 0, "responseTimeoutSeconds": response_seconds,
    }


def workflow_definition(name, *tasks):
    return {
        "name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "test@example.com",
        "tasks": list(tasks),
    }


def task(name, reference, kind="SIMPLE", **more):
    return {"name": name, "taskReferenceName": reference, "type": kind, **more}
