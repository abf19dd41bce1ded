"""Workers of the loan_application sample, with the published SDK (conductor-python).

    CONDUCTOR_SERVER_URL=http://127.0.0.1:8080/api python deploy/samples/loan_application/workers.py
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import loan_tasks  # noqa: E402
from sdk_workers import serve  # noqa: E402


def main():
    serve(loan_tasks.TASKS)


if __name__ == "__main__":
    main()
