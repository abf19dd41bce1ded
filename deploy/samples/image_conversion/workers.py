"""Workers of the image_conversion sample, with the published SDK (conductor-python).

    CONDUCTOR_SERVER_URL=http://127.0.0.1:8080/api python deploy/samples/image_conversion/workers.py
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import image_tasks  # noqa: E402
from sdk_workers import serve  # noqa: E402


def main():
    serve(image_tasks.TASKS)


if __name__ == "__main__":
    main()
