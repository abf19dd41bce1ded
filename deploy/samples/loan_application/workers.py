"""Workers of the loan_application sample, written with the published SDK (conductor-python).

    CONDUCTOR_SERVER_URL=http://127.0.0.1:8080/api python deploy/samples/loan_application/workers.py
"""

import loan_tasks

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.task import Task
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker_task import worker_task


def outcome(function, task):
    try:
        return function(task.input_data)
    except loan_tasks.BadInput as error:
        raise NonRetryableException(str(error)) from error


@worker_task(task_definition_name="loan_check_application", thread_count=4)
def check_application(task: Task) -> dict:
    return outcome(loan_tasks.loan_check_application, task)


@worker_task(task_definition_name="loan_check_credit", thread_count=4)
def check_credit(task: Task) -> dict:
    return outcome(loan_tasks.loan_check_credit, task)


@worker_task(task_definition_name="loan_pay_out", thread_count=4)
def pay_out(task: Task) -> dict:
    return outcome(loan_tasks.loan_pay_out, task)


@worker_task(task_definition_name="loan_notify", thread_count=4)
def notify(task: Task) -> dict:
    return outcome(loan_tasks.loan_notify, task)


def main():
    with TaskHandler(configuration=Configuration()) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
