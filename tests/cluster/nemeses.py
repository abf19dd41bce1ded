"""What can happen to a cluster of three, on real processes: each nemesis hurts it and heals it again."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from server import ROOT

sys.path.insert(0, os.path.join(ROOT, "deploy"))
from cluster_health import complaints, shown  # noqa: E402

DISK_MIB = 512
HURT_SECONDS = (1, 5)
CALM_SECONDS = (1, 4)


class Nemesis:
    """Hurts and heals, turn by turn; what it did stands in `story`, for the reader of a failure."""

    networked = False
    grows_to = 0

    def __init__(self, server, chance):
        self.server, self.chance = server, chance
        self.nodes = range(1, server.nodes + 1)
        self.story = []
        self.began = time.monotonic()

    def tell(self, text):
        self.story.append(f"{time.monotonic() - self.began:5.1f} s {text}")

    def hurt(self):
        raise NotImplementedError

    def heal(self):
        """Leaves a cluster that can become whole by itself; harmless when it is."""

    def rage(self, seconds):
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self.pause(CALM_SECONDS)
                self.hurt()
                self.pause(HURT_SECONDS)
                self.heal()
        finally:
            self.heal()

    def settled(self):
        """What is wrong once all is healed, beside what the workloads find; empty: nothing."""
        return []

    def pause(self, bounds):
        time.sleep(self.chance.uniform(*bounds))  # time is the subject: how long it stays as it is

    def leader(self):
        """The node that leads the most, as the first that answers sees it."""
        for node in self.chance.sample(self.nodes, len(self.nodes)):
            try:
                shown = self.server.at(node, 2).call("GET", "/api/cluster")["nodes"]
                return max(shown, key=lambda one: one["leads"])["id"]
            except (OSError, http.client.HTTPException, AssertionError):
                continue
        return self.chance.choice(self.nodes)

    def victim(self):
        return self.leader() if self.chance.random() < 0.5 else self.chance.choice(self.nodes)


class KillOne(Nemesis):
    """kill -9 of the leader of the most partitions, or of any node."""

    def hurt(self):
        self.dead = self.victim()
        self.tell(f"kill {self.dead}")
        self.server.kill(self.dead)

    def heal(self):
        if getattr(self, "dead", None):
            self.server.restart(self.dead)
            self.dead = None


class KillAll(Nemesis):
    """kill -9 of all at once, or of a majority."""

    dead = ()

    def hurt(self):
        self.dead = self.chance.sample(self.nodes, self.chance.choice((2, 3)))
        self.tell(f"kill {self.dead}")
        self.together(self.server.kill)

    def heal(self):
        self.together(self.server.restart)
        self.dead = ()

    def together(self, function):
        threads = [threading.Thread(target=function, args=[node]) for node in self.dead]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Silence(Nemesis):
    """SIGSTOP: connections stay, nothing is answered, and it comes back believing that it leads."""

    silent = None

    def hurt(self):
        self.silent = self.victim()
        self.tell(f"stop {self.silent}")
        self.server.pause(self.silent)

    def heal(self):
        if self.silent:
            self.server.resume(self.silent)
            self.silent = None


class RollingRestart(Nemesis):
    """A graceful stop and start of one node after the other."""

    def hurt(self):
        node = self.victim()
        self.tell(f"restart {node}")
        self.server.restart(node)


class Partition(Nemesis):
    """Nodes that do not hear each other, while clients reach all of them."""

    networked = True

    def hurt(self):
        alone, other, third = self.chance.sample(self.nodes, 3)
        cuts, name = self.chance.choice((
            ([(alone, other), (other, alone), (alone, third), (third, alone)], f"{alone} is alone"),
            ([(alone, other), (alone, third)], f"{alone} is not heard"),
            ([(other, alone), (third, alone)], f"{alone} hears nobody"),
            ([(alone, other), (other, alone)], f"{alone} and {other} reach only {third}"),
        ))
        self.tell(name)
        for sender, receiver in cuts:
            self.server.cut(sender, receiver)

    def heal(self):
        self.server.heal()


class FullDisk(Nemesis):
    """The disk of one node fills up and is emptied again; a node that gave up is started again."""

    full = None

    @staticmethod
    def mount(server):
        """Puts the folder of every node on a small disk. Gives why it cannot, or None."""
        for node in range(1, server.nodes + 1):
            folder = os.path.join(server.folder, f"node-{node}")
            os.makedirs(folder, exist_ok=True)
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder],
                capture_output=True, text=True, check=False,
            )
            if done.returncode != 0:
                return done.stderr.strip()
        return None

    @staticmethod
    def unmount(server):
        for node in range(1, server.nodes + 1):
            subprocess.run(
                ["umount", os.path.join(server.folder, f"node-{node}")], check=False, capture_output=True
            )

    def ballast(self, node):
        return os.path.join(self.server.folder, f"node-{node}", "ballast")

    def hurt(self):
        self.full = self.victim()
        self.tell(f"the disk of {self.full} is full")
        try:
            with open(self.ballast(self.full), "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))
        except OSError:
            return  # as full as it gets

    def heal(self):
        if self.full:
            os.remove(self.ballast(self.full))
            if not self.answers(self.full):
                self.tell(f"{self.full} had given up")
                self.server.restart(self.full)
            self.full = None

    def answers(self, node):
        try:
            return self.server.at(node, 5).ask("GET", "/health").status == 200
        except (OSError, http.client.HTTPException):
            return False


class Churn(Nemesis):
    """Members are added, removed, lost with their disks and replaced, while others are killed, stopped
    or restarted; an order whose answer is lost is given again."""

    grows_to = 40  # numbers are never used again
    members_min, members_max = 3, 5
    order_seconds = 120
    whole_seconds = 60

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.hurt_one = None
        self.failed = []

    def hurt(self):
        members = self.server.members
        ways = [self.restarts]
        if len(members) < self.members_max and max(members) < self.grows_to:
            ways += [self.adds, self.adds]
        if len(members) > self.members_min:
            ways += [self.removes, self.removes]
        if max(members) < self.grows_to:
            ways.append(self.loses_a_disk)
        way = self.chance.choice(ways)
        other, how = self.chance.choice(members), self.chance.choice(("", "kill", "stop"))
        order = threading.Thread(target=self.guarded, args=[way, members, other])
        order.start()
        self.pause((0.2, 3))
        self.hurt_another(other, how)
        self.pause(HURT_SECONDS)
        self.heal()
        order.join()

    def guarded(self, way, *arguments):
        try:
            way(*arguments)
        except (AssertionError, RuntimeError) as refused:
            self.failed.append(f"{way.__name__}: {refused}")

    def hurt_another(self, node, how):
        if how and node in self.server.members:
            self.tell(f"{how} {node}")
            self.hurt_one = (node, how)
            (self.server.kill if how == "kill" else self.server.pause)(node)

    def heal(self):
        if self.hurt_one:
            node, how = self.hurt_one
            self.hurt_one = None
            (self.server.restart if how == "kill" else self.server.resume)(node)

    def adds(self, members, _):
        self.tell("add")
        before = set(self.running())
        self.server.cluster("add", "--no-wait")
        (node,) = set(self.running()) - before
        self.ordered("add", node)
        self.server.members = members + [node]

    def removes(self, members, other):
        node = self.chance.choice([one for one in members if one != other])
        self.tell(f"remove {node}")
        self.server.members = [one for one in members if one != node]
        self.ordered("remove", node)
        self.insist("remove", str(node))

    def loses_a_disk(self, members, other):
        """Of a cluster that is whole, and not of the one that is hurt next: two of three lost is `recover`'s."""
        if self.reasons_to_wait():
            return
        node = self.chance.choice([one for one in members if one != other])
        self.tell(f"{node} loses its disk")
        self.server.members = [one for one in members if one != node]
        self.server.kill(node)
        shutil.rmtree(os.path.join(self.server.folder, f"node-{node}/store"))
        before = set(self.running())
        self.server.cluster("add", "--no-wait")
        (newcomer,) = set(self.running()) - before
        self.ordered("replace", node, newcomer)
        self.server.members = self.server.members + [newcomer]
        self.insist("remove", str(node))

    def restarts(self, members, other):
        node = self.chance.choice([one for one in members if one != other])
        self.tell(f"restart {node}")
        self.server.restart(node)

    def running(self):
        return [one["id"] for one in json.loads(self.server.cluster("status", "--json").stdout)["nodes"]]

    def ordered(self, *words):
        """`orpheus cluster WORDS` through one node after the other, until it is done."""
        until = time.monotonic() + self.order_seconds
        while time.monotonic() < until:
            through = self.chance.choice([one for one in self.server.members if one not in words])
            done = subprocess.run(
                [self.server.program, "cluster", *map(str, words), "--timeout", "20",
                 "--server", self.server.at(through).base],
                capture_output=True, text=True, check=False,
            )
            if done.returncode == 0:
                return
            time.sleep(0.5)  # time is the subject: the pace of asking, bounded by the deadline
        raise AssertionError(f"{words} was not done in {self.order_seconds} s: {done.stdout[-300:]}{done.stderr}")

    def insist(self, *words):
        """A verb of deploy/cluster, which asks one node only: again, when that one was hurt."""
        until = time.monotonic() + self.order_seconds
        done = self.server.cluster(*words, check=False)
        while done.returncode != 0 and time.monotonic() < until:
            time.sleep(0.5)  # time is the subject: the pace of asking, bounded by the deadline
            done = self.server.cluster(*words, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{words} was not done: {done.stdout[-300:]}{done.stderr[-300:]}")

    def reasons_to_wait(self):
        def view(node):
            try:
                return self.server.at(node, 5).call("GET", "/api/cluster")
            except (OSError, http.client.HTTPException, AssertionError):
                return None
        return complaints({node: view(node) for node in self.server.members})

    def settled(self):
        until = time.monotonic() + self.whole_seconds
        reasons = self.reasons_to_wait()
        while reasons and time.monotonic() < until:
            time.sleep(0.5)  # time is the subject: the pace of asking, bounded by the deadline
            reasons = self.reasons_to_wait()
        return self.failed + ([f"not whole after {self.whole_seconds} s: {shown(reasons)}"] if reasons else [])


NEMESES = {
    "kill_one": KillOne,
    "kill_all": KillAll,
    "silence": Silence,
    "restart": RollingRestart,
    "partition": Partition,
    "full_disk": FullDisk,
    "churn": Churn,
}
