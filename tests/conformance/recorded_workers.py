"""The workers of a sample as they are, with a record of what the SDK sent and what was answered.

    recorded_workers.py SAMPLE_FOLDER RECORD_FOLDER

The SDK says "Updating task …" before it sends a result and "Updated task …" once it has a 2xx answer,
on its own debug log; a handler there writes both to RECORD_FOLDER, a file a process, a JSON line each.
Nothing of the SDK is changed. Runs until it is terminated.
"""

import json
import logging
import os
import sys
import time

from conductor.client.configuration.configuration import Configuration

SAMPLE, RECORDS = sys.argv[1:3]
RUNNER = "conductor.client.automator.task_runner"


class Recorder(logging.Handler):
    """One line an update sent and an update answered."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        # Line buffered: what was said is on file before the worker goes on.
        path = os.path.join(RECORDS, f"{os.getpid()}.jsonl")
        self.file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: SIM115

    def emit(self, record):
        if record.msg.startswith("Updating task, id: %s"):
            task, workflow, _, status, output = record.args
            line = {"sent": task, "workflow": workflow, "status": str(status), "output": output}
        elif record.msg.startswith("Updated task (v2), id: %s"):
            line = {"answered": record.args[0], "workflow": record.args[1]}
        elif record.msg.startswith(("Server does not support", "Task update failed after")):
            line = {"trouble": record.getMessage()}
        else:
            return
        self.file.write(json.dumps({**line, "ms": int(time.time() * 1000)}) + "\n")


def record_updates():
    # Every process of the SDK imports this module anew; the logger's name carries the process's id.
    runner = logging.getLogger(Configuration.get_logging_formatted_name(RUNNER))
    runner.setLevel(logging.DEBUG)
    runner.propagate = False
    runner.addHandler(Recorder())


record_updates()
sys.path.insert(0, SAMPLE)

if __name__ == "__main__":
    import workers

    workers.main()
