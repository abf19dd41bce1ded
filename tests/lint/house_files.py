"""The files of the project as the lints see them: what git tracks or would track, as paths from the root."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ROOMS = ("proto", "storage", "scheduler", "node")


def all_files():
    """Every file that is or would be committed. Without git: every file outside build/."""
    try:
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
            check=True,
            capture_output=True,
        ).stdout.decode()
        paths = [path for path in listed.split("\0") if path]
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
            paths += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(path for path in set(paths) if os.path.isfile(os.path.join(ROOT, path)))


def c_files():
    return [path for path in all_files() if path.endswith((".c", ".h"))]


def text_of(path):
    """The file's text, or None when it is not UTF-8 text."""
    with open(os.path.join(ROOT, path), "rb") as file:
        content = file.read()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def finish(lint, complaints, looked_at):
    """Prints what is wrong, one line each, and ends the process: 0 when nothing is.

    A lint that looked at nothing has been pointed at nothing: that is a failure too.
    """
    for complaint in complaints:
        print(complaint)
    if not looked_at:
        print(f"{lint}: found nothing to look at in {ROOT}")
        sys.exit(1)
    print(f"{lint}: {looked_at} looked at, {len(complaints)} complaints")
    sys.exit(1 if complaints else 0)
