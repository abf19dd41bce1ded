"""One nemesis run: four workloads on three nodes while one thing after another happens to them.

    nemesis_run.py NEMESIS [--seed N] [--seconds N]

Prints what was done and what is wrong; exits 1 when something is, 77 when this machine cannot do it
(no namespaces, no mounts). Settings of tests/cluster/run say which program is tested.
"""

import argparse
import concurrent.futures
import contextlib
import random
import shutil
import sys
import time

from server_under_test import new_server
import networked
from nemeses import FullDisk, NEMESES
from workload_ledger import Ledger
from workload_queue import Queue
from workload_register import Register
from workload_timer import Timer

WORKLOADS = (Ledger, Register, Queue, Timer)
NODES = 3
CANNOT = 77


class CannotBeDoneHere(Exception):
    """What this machine lacks."""


@contextlib.contextmanager
def cluster_for(nemesis):
    server = new_server(nodes=NODES, grows_to=nemesis.grows_to)
    if nemesis.networked:
        with networked.NetworkedServer(server.program, NODES) as hosts:
            yield hosts
        return
    if nemesis is FullDisk:
        refused = FullDisk.mount(server)
        if refused:
            FullDisk.unmount(server)
            raise CannotBeDoneHere(refused)
    kept = True
    try:
        server.start()
        yield server
        kept = False
    finally:
        server.cluster("stop", check=False)
        FullDisk.unmount(server)
        if kept:
            print(f"the server's folder is kept: {server.folder}", flush=True)
        else:
            shutil.rmtree(server.folder)


def run(name, seed, seconds):
    """Raises AssertionError when there are complaints, and leaves the folder then."""
    began = time.monotonic()
    chance = random.Random(seed)
    kind = NEMESES[name]
    with cluster_for(kind) as server:
        workloads = [one(server, random.Random(chance.random())) for one in WORKLOADS]
        for workload in workloads:
            workload.begin()
        nemesis = kind(server, chance)
        try:
            nemesis.rage(seconds)
        finally:
            with concurrent.futures.ThreadPoolExecutor(len(workloads)) as pool:
                complaints = sum(pool.map(lambda one: one.end(), workloads), [])
        complaints += nemesis.settled()
        print(f"{name} seed {seed}, {time.monotonic() - began:.0f} s: {len(nemesis.story)} times; "
              + "; ".join(one.said() for one in workloads), flush=True)
        if complaints:
            print("\n".join(nemesis.story + complaints), flush=True)
            raise AssertionError(f"{len(complaints)} complaints, the first: {complaints[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("nemesis", choices=NEMESES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if NEMESES[options.nemesis].networked:
        refused = networked.refusal()
        if refused:
            print(f"no network of its own here: {refused}")
            sys.exit(CANNOT)
        networked.enter()
    try:
        run(options.nemesis, options.seed, options.seconds)
    except CannotBeDoneHere as refused:
        print(f"no small disks here: {refused}")
        sys.exit(CANNOT)
    except AssertionError as complaint:
        sys.exit(f"{options.nemesis} seed {options.seed}: {complaint}")


if __name__ == "__main__":
    main()
