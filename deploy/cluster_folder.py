"""The nodes of a cluster on this machine: its folder, its processes, its settings.

A cluster is a folder: cluster.json says how it was started, and node-N/ holds one node's data,
log and pid file. A pid file names a process by its pid *and* its start time, so that only
processes which this tool started are ever signalled. Nothing here sleeps: it waits for the answer
of /health, or for the end of a process, each with a bound.
"""

import contextlib
import errno
import fcntl
import http.client
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = "127.0.0.1"
FOUNDERS_MAX = 7  # as many as may form a cluster; more may join
PEER_PORT_ABOVE = 1000  # the first port between nodes, above the first of the API
BUILDS = ("release", "dev", "clang", "asan", "tsan")
START_SECONDS = 120  # a large log under a sanitizer is the slowest start there is
STOP_SECONDS = 60
HEALTH_SECONDS = 30  # for a cluster that is to be whole before a node is taken out of it
CAUGHT_UP_SECONDS = 120
PROBE_SECONDS = 0.02
LOG_TAIL_LINES = 20


class Refusal(Exception):
    """What was refused and what to do about it; the text is for the person at the terminal."""


def default_folder():
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local/state")
    return os.path.join(state, "orpheus")


# --- processes ------------------------------------------------------------------------------------


def start_ticks(pid):
    """When the process started, in clock ticks since boot; None: there is none, or only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@contextlib.contextmanager
def process_handle(pid):
    """A descriptor that turns readable when the process ends; None when it is gone already."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def ends_within(handle, seconds):
    if handle is None:
        return True
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def peer_address(settings, number):
    return f"{HOST}:{settings['peer_port'] + number - 1}"


def peer_flags(folder, settings, number):
    """How a node finds and believes the others: a list, the same for all that form the cluster, or whom
    to ask, for one that joins; and a secret."""
    if settings["nodes"] == 1 and not settings.get("grows"):
        return []
    flags = ["--cluster-key", os.path.join(folder, "cluster.key")]
    joined = settings.get("joined", {}).get(str(number))
    if joined is None:
        members = [f"{one}={peer_address(settings, one)}" for one in range(1, settings["nodes"] + 1)]
        partitions = ["--partitions", str(settings["partitions"])] if "partitions" in settings else []
        return [*flags, "--cluster", ",".join(members), "--node-id", str(number), *partitions]
    return [
        *flags, "--join", ",".join(joined["servers"]),
        "--cluster-address", peer_address(settings, number),
        *(word for name in ("zone", "weight") if joined.get(name)
          for word in (f"--{name}", str(joined[name]))),
    ]


def make_key(folder):
    path = os.path.join(folder, "cluster.key")
    with contextlib.suppress(FileExistsError):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")


class Node:
    """One node of the cluster in `folder`: its address, files and process."""

    def __init__(self, folder, number, settings):
        http_port = settings["http_port"]
        self.number = number
        self.peers = peer_flags(folder, settings, number)
        self.folder = os.path.join(folder, f"node-{number}")
        self.port = http_port + number - 1
        self.http = f"{HOST}:{self.port}"
        self.store = os.path.join(self.folder, "store")
        self.log = os.path.join(self.folder, "log")
        self.pid_file = os.path.join(self.folder, "pid")

    def pid(self):
        """The pid of the running process that was started here, or None."""
        try:
            with open(self.pid_file, encoding="ascii") as file:
                written = json.load(file)
        except (FileNotFoundError, ValueError):
            return None
        alive = start_ticks(written["pid"]) == written["start_ticks"]
        return written["pid"] if alive else None

    def id(self):
        """Its number in the cluster: of one that joined, what the cluster gave it."""
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.store, "identity"), encoding="utf-8") as file:
                for line in file:
                    name, _, value = line.partition(" = ")
                    if name == "node" and int(value) > 0:
                        return int(value)
        return self.number

    def cluster_seen(self):
        """GET /api/cluster of this node, or None without an answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/api/cluster")
            answer = connection.getresponse()
            return json.load(answer) if answer.status == 200 else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def answers(self):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def state(self):
        if self.pid() is None:
            return "down"
        return "up" if self.answers() else "starting"

    def launch(self, program):
        """Starts the process without waiting for it to be ready."""
        self.refuse_taken_port()
        os.makedirs(self.folder, exist_ok=True)
        command = [
            program, "serve", "--http", self.http,
            "--store", self.store,
            "--clock-confirmed", "true",  # one machine, one clock: no other could say it is wrong
            *self.peers,
        ]
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        ticks = start_ticks(process.pid)
        if ticks is None:
            raise Refusal(f"node {self.number} ended at once\n{self.log_tail()}")
        temporary = self.pid_file + ".new"
        with open(temporary, "w", encoding="ascii") as file:
            json.dump({"pid": process.pid, "start_ticks": ticks}, file)
        os.replace(temporary, self.pid_file)

    def refuse_taken_port(self):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise Refusal(
                    f"port {self.port} is taken by another program: choose one with --http-port"
                ) from None

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_SECONDS
        pid = self.pid()
        with process_handle(pid) if pid else contextlib.nullcontext() as handle:
            while not self.answers():
                if handle is None or ends_within(handle, PROBE_SECONDS):
                    raise Refusal(f"node {self.number} ended while starting\n{self.log_tail()}")
                if time.monotonic() > deadline:
                    raise Refusal(
                        f"node {self.number} did not answer http://{self.http}/health"
                        f" within {START_SECONDS} s\n{self.log_tail()}"
                    )

    def end(self, signal_number, seconds):
        """Sends the signal and waits for the end. False: it still runs; True also when none ran."""
        pid = self.pid()
        if pid is None:
            return True
        with process_handle(pid) as handle:
            # Asked again with the handle open: the pid cannot have been given away since.
            if handle is None or self.pid() != pid:
                return True
            signal.pidfd_send_signal(handle, signal_number)
            signal.pidfd_send_signal(handle, signal.SIGCONT)  # if it stands still
            return ends_within(handle, seconds)

    def log_tail(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()[-LOG_TAIL_LINES:]
        except FileNotFoundError:
            lines = []
        return "\n".join([f"the end of {self.log}:"] + ["  " + line for line in lines])


# --- the cluster in a folder ----------------------------------------------------------------------


class Cluster:
    """What cluster.json says, and the nodes it makes."""

    def __init__(self, folder, settings):
        self.folder = folder
        self.settings = settings
        numbers = [*range(1, settings["nodes"] + 1), *map(int, settings.get("joined", {}))]
        gone = settings.get("gone", [])
        self.nodes = [Node(folder, number, settings) for number in numbers if number not in gone]

    @staticmethod
    def load(folder):
        try:
            with open(os.path.join(folder, "cluster.json"), encoding="utf-8") as file:
                return Cluster(folder, json.load(file))
        except FileNotFoundError:
            return None

    @staticmethod
    def must_load(folder):
        cluster = Cluster.load(folder)
        if cluster is None:
            raise Refusal(f"there is no cluster in {folder}: deploy/cluster start --dir {folder}")
        return cluster

    def save(self):
        temporary = os.path.join(self.folder, "cluster.json.new")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self.settings, file, indent=2)
            file.write("\n")
        os.replace(temporary, os.path.join(self.folder, "cluster.json"))

    def node(self, number):
        for node in self.nodes:
            if node.number == number:
                return node
        numbers = ", ".join(str(node.number) for node in self.nodes)
        raise Refusal(f"there is no node {number}: the cluster has {numbers}")

    def running(self, but=None):
        return [node for node in self.nodes if node is not but and node.pid() is not None]

    def newcomer(self, **wishes):
        """A node that is to join: the next number that was never used, and whom it will ask."""
        if self.settings["nodes"] == 1 and not self.settings.get("grows"):
            raise Refusal(
                f"the cluster in {self.folder} is of one node that stays alone:"
                f" deploy/cluster start --grows in another folder"
            )
        servers = [node.http for node in self.running()]
        if not servers:
            raise Refusal("no node runs that could let another one in")
        joined = self.settings.setdefault("joined", {})
        number = max([self.settings["nodes"], *map(int, joined)]) + 1
        joined[str(number)] = {"servers": servers, **wishes}
        self.nodes.append(Node(self.folder, number, self.settings))
        return self.nodes[-1]

    def forget(self, node):
        """The node has left. Its folder stays, for whoever wants to look at its log."""
        self.settings.setdefault("gone", []).append(node.number)
        self.nodes.remove(node)
        self.save()

    def run_from_now(self, node, program):
        """The node is to run this program from its next start on; None: what it ran."""
        if program:
            self.settings.setdefault("programs", {})[str(node.number)] = os.path.abspath(program)
            self.program(node)
            self.save()

    def order(self, *words, through):
        """Runs `orpheus cluster …` at a node; what it says is seen as it comes."""
        command = [self.program(), "cluster", *map(str, words), "--server", f"http://{through.http}"]
        sys.stdout.flush()
        code = subprocess.run(command, check=False).returncode
        if code != 0:
            sys.exit(code)

    def program(self, node=None):
        """What runs, or what this node runs since it was restarted with a program of its own."""
        own = self.settings.get("programs", {}).get(str(node.number)) if node else None
        program = own or self.settings["program"]
        if not os.access(program, os.X_OK):
            build = self.settings["build"]
            raise Refusal(
                f"{program} is missing: deploy/up builds it, or"
                f" cmake --preset {build} && cmake --build build/{build} --target orpheus"
            )
        return program

    def bring_up(self, nodes):
        self.launch(nodes)
        self.wait_for(nodes)

    def launch(self, nodes):
        for node in nodes:
            if node.pid() is None:
                node.launch(self.program(node))

    def wait_for(self, nodes):
        for node in nodes:
            node.wait_until_it_answers()
            print(f"node {node.number} is up: http://{node.http} (pid {node.pid()})")


@contextlib.contextmanager
def locked(folder):
    """One start, stop, kill or restart at a time in a folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wanted_settings(arguments, before):
    """What start was asked for; what it was not asked for stays as it was, or is the default."""
    port = int(os.environ.get("ORPHEUS_HTTP_PORT") or 8080)
    defaults = {"nodes": 1, "http_port": port, "build": "release", **(before or {})}
    settings = {
        "nodes": arguments.nodes or defaults["nodes"],
        "http_port": arguments.http_port or defaults["http_port"],
        "build": arguments.build or defaults["build"],
    }
    if arguments.grows or defaults.get("grows"):
        settings["grows"] = True
    if arguments.partitions or defaults.get("partitions"):
        settings["partitions"] = arguments.partitions or defaults["partitions"]
    for kept in ("joined", "gone", "programs"):
        if kept in defaults:
            settings[kept] = defaults[kept]
    settings["peer_port"] = (
        arguments.peer_port
        or defaults.get("peer_port")
        or settings["http_port"] + PEER_PORT_ABOVE
    )
    build = os.path.join(ROOT, "build", settings["build"], "node", "orpheus")
    same_build = arguments.build is None or arguments.build == defaults["build"]
    kept = defaults.get("program", build) if same_build else build
    settings["program"] = os.path.abspath(arguments.program) if arguments.program else kept
    return settings
