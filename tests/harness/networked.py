"""A cluster whose nodes have a network each: namespaces on one bridge, so that it can be cut.

The test itself moves into a namespace of its own first (`enter`), in which the bridge is; nothing
of the machine's own network is touched, and everything is gone with the processes. A direction is
cut by a wrong hardware address for the other node: what is sent is lost without a word, as when a
switch drops it.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from server import Client, ROOT, wait_for

INSIDE = "ORPHEUS_TEST_NETWORK"
NET = "10.7.0"
HTTP_PORT = 8080
PEER_PORT = 9080
NOBODY = "02:00:00:00:00:99"


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def refusal():
    """Why there can be no namespaces here, or None."""
    probe = "ip link add probe type bridge && ip link add v type veth peer name w"
    try:
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", probe], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        return str(missing)
    return done.stderr.strip() or None if done.returncode else None


def enter():
    """Starts this program again in a network of its own; returns when it runs there."""
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


class Host:
    """A network namespace with one address, held by a process that waits for the end of its input."""

    def __init__(self, number):
        self.number = number
        self.address = f"{NET}.{number}"
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        self.namespace = f"--net=/proc/{self.holder.pid}/ns/net"
        own = os.stat("/proc/self/ns/net").st_ino
        wait_for(lambda: os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino != own, 10, "a namespace")
        run("ip", "link", "add", f"node{number}", "type", "veth", "peer", "name", "e0",
            "netns", str(self.holder.pid))
        run("ip", "link", "set", f"node{number}", "master", "bridge0", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "e0")
        self.run("ip", "link", "set", "e0", "up")

    def run(self, *words):
        return run("nsenter", self.namespace, *words)

    def lose(self, other):
        """What this host sends to the other is lost from now on."""
        self.run("ip", "neigh", "replace", other.address, "lladdr", NOBODY, "nud", "permanent",
                 "dev", "e0")

    def find_all(self):
        self.run("ip", "neigh", "flush", "all", "nud", "permanent", "dev", "e0")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


class NetworkedServer:
    """As server.Server with several nodes, on hosts of their own. The caller has entered."""

    def __init__(self, program, nodes=3):
        self.program = program
        self.nodes = nodes
        self.members = list(range(1, nodes + 1))
        self.folder = tempfile.mkdtemp(prefix="orpheus-network-")
        self.processes = {}
        with open(os.path.join(self.folder, "cluster.key"), "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex())

    def __enter__(self):
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge0", "type", "bridge")
        run("ip", "address", "add", f"{NET}.254/24", "dev", "bridge0")
        run("ip", "link", "set", "bridge0", "up")
        self.hosts = {number: Host(number) for number in range(1, self.nodes + 1)}
        for number in self.hosts:
            self.launch(number)
        for number in self.hosts:
            self.wait_until_it_answers(number)
        return self

    def __exit__(self, kind, *_):
        self.heal()
        for number in self.hosts:
            self.end(number, "kill")
            self.hosts[number].close()
        run("ip", "link", "delete", "bridge0")
        if kind is None:
            shutil.rmtree(self.folder)
        else:
            print(f"the nodes' folder is kept: {self.folder}", file=sys.stderr)

    def at(self, node, patience=30):
        return Client(HTTP_PORT, patience, self.hosts[node].address)

    def launch(self, number):
        members = ",".join(f"{host.number}={host.address}:{PEER_PORT}" for host in self.hosts.values())
        host = self.hosts[number]
        with open(os.path.join(self.folder, f"log-{number}"), "ab") as log:
            self.processes[number] = subprocess.Popen(
                ["nsenter", host.namespace, self.program, "serve", "--node-id", str(number),
                 "--http", f"{host.address}:{HTTP_PORT}", "--cluster", members,
                 "--cluster-key", os.path.join(self.folder, "cluster.key"),
                 "--store", os.path.join(self.folder, f"store-{number}")],
                cwd=ROOT, stdout=log, stderr=log,
            )

    def wait_until_it_answers(self, number):
        def answers():
            try:
                return self.at(number, 2).ask("GET", "/health").status == 200
            except OSError:
                return False
        wait_for(answers, 60, f"node {number}")

    def end(self, number, how):
        getattr(self.processes[number], how)()
        self.processes[number].wait(60)

    def kill(self, node):
        self.end(node, "kill")

    def restart(self, node):
        if self.processes[node].poll() is None:
            self.end(node, "terminate")
        self.launch(node)
        self.wait_until_it_answers(node)

    def cut(self, sender, receiver):
        """Nothing that the one node sends reaches the other; the other direction is another cut."""
        self.hosts[sender].lose(self.hosts[receiver])

    def heal(self):
        for host in self.hosts.values():
            host.find_all()
