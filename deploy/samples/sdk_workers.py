"""Plain task functions as workers of the published SDK (conductor-python)."""

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.task import Task
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker import Worker

from plain_tasks import BadInput

THREADS = 4


class Job:
    """Does a task by a plain function. An object, because the SDK hands it to a process of its own."""

    def __init__(self, function):
        self.function = function

    def __call__(self, task: Task) -> dict:
        try:
            return self.function(task.input_data)
        except BadInput as error:
            raise NonRetryableException(str(error)) from error


def serve(functions):
    """Works until it is told to end: one worker a function, which does the tasks of its name."""
    workers = [
        Worker(task_definition_name=one.__name__, execute_function=Job(one), thread_count=THREADS)
        for one in functions
    ]
    with TaskHandler(
        workers=workers, configuration=Configuration(), scan_for_annotated_workers=False
    ) as handler:
        handler.start_processes()
        handler.join_processes()
