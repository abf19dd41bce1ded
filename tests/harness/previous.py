"""The program of the release before this one, built from the history of this very repository."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PIN = "tests/cluster/previous_release"


class NotHere(Exception):
    """Why the release before cannot be built here."""


def pinned():
    with open(os.path.join(ROOT, PIN), encoding="ascii") as file:
        return file.read().split()[0]


def run(*words, **how):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **how)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def unpack(commit, source):
    """The tree of that commit, whole or not at all."""
    if os.path.isdir(source):
        return
    known = subprocess.run(
        ["git", "-C", ROOT, "cat-file", "-e", commit + "^{commit}"], capture_output=True, check=False
    )
    if known.returncode != 0:
        raise NotHere(f"commit {commit} of {PIN} is not in this clone: its history is cut off")
    started = source + ".new"
    os.makedirs(started, exist_ok=True)
    archive = subprocess.Popen(
        ["git", "-C", ROOT, "archive", commit], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    run("tar", "-x", "-C", started, stdin=archive.stdout)
    if archive.wait() != 0:
        raise RuntimeError(f"git archive {commit} failed")
    os.rename(started, source)


def program():
    """Its path. Built once, kept under build/previous. Raises NotHere."""
    commit = pinned()
    folder = os.path.join(ROOT, "build/previous", commit)
    source, build = os.path.join(folder, "source"), os.path.join(folder, "build")
    built = os.path.join(build, "node/orpheus")
    if not os.access(built, os.X_OK):
        unpack(commit, source)
        run("cmake", "--preset", "release", "-S", source, "-B", build, cwd=source)
        run("cmake", "--build", build, "--target", "orpheus")
    return built
