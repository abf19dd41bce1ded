"""The ledger, by clients that do what the API asks of them: told 503, or let down by a node, they ask the
same again, at another node, for up to five seconds. What is not answered then has failed; how long every
call took, repetitions counted in, is kept."""

import http.client
import time

from workload import UNKNOWN
from workload_ledger import Ledger

PATIENCE_SECONDS = 5
TOLD_SECONDS = 0.05  # Retry-After, cut short
LET_DOWN_SECONDS = 0.005  # a node that is not there: the next one is asked at once
POLL = "/api/tasks/poll/"


class PatientLedger(Ledger):
    """`members`: the nodes that there are, to be changed as they come and go."""

    starters, workers = 3, 4

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.members = list(range(1, server.nodes + 1))
        self.failures, self.seconds, self.repeated = [], [], 0
        self.pause = 0.02

    def come(self, node, *_):
        with self.lock:
            self.members.append(node)

    def go(self, node, *_):
        with self.lock:
            self.members.remove(node)

    def threads(self):
        return [self.start] * self.starters + [self.work] * self.workers

    def client(self):
        with self.lock:
            node = self.chance.choice(self.members)
        return self.server.at(node, PATIENCE_SECONDS)

    def start(self):
        with self.lock:
            self.number += 1
            correlation = f"ledger-{self.number}"
        workflow_id = self.ask("POST", "/api/workflow", {
            "name": "ledger", "version": 1, "correlationId": correlation,
            "idempotencyKey": correlation, "idempotencyStrategy": "RETURN_EXISTING",
        })
        with self.lock:
            if workflow_id is None:
                self.unanswered.append(correlation)
            else:
                self.answered[workflow_id] = correlation
        self.stopped.wait(self.pause)

    def ask(self, method, path, body=None):
        begun = time.monotonic()
        answer, why, pause = self.once(method, path, body)
        while answer is None and time.monotonic() - begun < PATIENCE_SECONDS:
            self.repeated += 1
            time.sleep(pause)  # time is the subject: what a client waits
            answer, why, pause = self.once(method, path, body)
        took = time.monotonic() - begun
        with self.lock:
            if answer is None:
                self.failures.append(f"{method} {path[:60]}: {why} for {took:.1f} s")
            elif not path.startswith(POLL):
                self.seconds.append((begun, took))
        if answer is None or answer.status >= 400:
            if answer is not None:
                self.complain(f"{method} {path}: {answer.status} {answer.text()[:200]}")
            return None
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.json() if is_json else answer.text() or True

    def once(self, method, path, body):
        """An answer that is one, or None, why not, and how long to wait."""
        try:
            answer = self.client().ask(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__} {error}", LET_DOWN_SECONDS
        if answer.status in UNKNOWN:
            return None, f"{answer.status} {answer.text()[:120]}", TOLD_SECONDS
        return answer, "", 0

    def quantile(self, share, since=0.0, until=float("inf")):
        """Of the seconds that calls took which began then; None without any."""
        with self.lock:
            taken = sorted(took for begun, took in self.seconds if since <= begun < until)
        return taken[min(len(taken) - 1, int(share * len(taken)))] if taken else None

    def said(self):
        return (
            f"{super().said()}, {len(self.seconds)} calls, {self.repeated} repeated,"
            f" {len(self.failures)} failed"
        )
