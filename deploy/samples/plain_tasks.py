"""What the plain task functions of the samples share."""

import os
import tempfile


class BadInput(Exception):
    """The input can never work: trying again is no use."""


def put_file(path, content):
    """Writes beside the place and renames: a reader sees all of it or the file that was there."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
