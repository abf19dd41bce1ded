"""Workers of the image_conversion sample, written with the published SDK (conductor-python).

    CONDUCTOR_SERVER_URL=http://127.0.0.1:8080/api python deploy/samples/image_conversion/workers.py
"""

import image_tasks

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.task import Task
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker_task import worker_task


def outcome(function, task):
    try:
        return function(task.input_data)
    except image_tasks.BadInput as error:
        raise NonRetryableException(str(error)) from error


@worker_task(task_definition_name="image_read", thread_count=4)
def read(task: Task) -> dict:
    return outcome(image_tasks.image_read, task)


@worker_task(task_definition_name="image_resize", thread_count=4)
def resize(task: Task) -> dict:
    return outcome(image_tasks.image_resize, task)


@worker_task(task_definition_name="image_grey", thread_count=4)
def grey(task: Task) -> dict:
    return outcome(image_tasks.image_grey, task)


@worker_task(task_definition_name="image_encode", thread_count=4)
def encode(task: Task) -> dict:
    return outcome(image_tasks.image_encode, task)


@worker_task(task_definition_name="image_histogram", thread_count=4)
def histogram(task: Task) -> dict:
    return outcome(image_tasks.image_histogram, task)


@worker_task(task_definition_name="image_publish", thread_count=4)
def publish(task: Task) -> dict:
    return outcome(image_tasks.image_publish, task)


def main():
    with TaskHandler(configuration=Configuration()) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
