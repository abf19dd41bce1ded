"""Workers of the order_saga sample, with the published SDK (conductor-python).

    CONDUCTOR_SERVER_URL=http://127.0.0.1:8080/api python deploy/samples/order_saga/workers.py
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import order_tasks  # noqa: E402
from sdk_workers import serve  # noqa: E402


def main():
    serve(order_tasks.TASKS)


if __name__ == "__main__":
    main()
