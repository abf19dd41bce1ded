"""A server of one's own for a test: a folder and a port that nobody else has, through deploy/cluster."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/harness"))


PEER_PORT_ABOVE = 1000  # as deploy/cluster has it


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port(nodes=1):
    """A port that was free a moment ago, below the range the system hands out by itself; for several
    nodes the first of as many in a row, whose ports among themselves were free as well."""
    for port in range(20000 + os.getpid() % 8000, 31000 - nodes):
        wanted = [port + node for node in range(nodes)]
        if nodes > 1:
            wanted += [one + PEER_PORT_ABOVE for one in wanted]
        if all(is_free(one) for one in wanted):
            return port
    raise RuntimeError("no free ports from 20000 to 31000")


class Answer:
    """An HTTP answer: status, headers, body as bytes."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode()


class Client:
    """What a client of one node says to it."""

    def __init__(self, port, patience=30, host="127.0.0.1"):
        self.host = host
        self.port = port
        self.patience = patience  # seconds for an answer
        self.base = f"http://{host}:{port}"

    def ask(self, method, path, body=None, timeout=None, headers=None):
        """One request on a connection of its own. `body`: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=timeout or self.patience
        )
        try:
            connection.request(
                method, path, content, {"Content-Type": "application/json", **(headers or {})}
            )
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def call(self, method, path, body=None, timeout=None):
        """As ask, for a 2xx answer: its JSON, or its text when that is what it is, or None."""
        answer = self.ask(method, path, body, timeout)
        if not 200 <= answer.status < 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.text()}")
        if not answer.body:
            return None
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.json() if is_json else answer.text()

    def workflow(self, workflow_id):
        return self.call("GET", f"/api/workflow/{workflow_id}")

    def poll(self, task_type, count=1, timeout_ms=2000, worker="test"):
        return self.call(
            "GET",
            f"/api/tasks/poll/batch/{task_type}?workerid={worker}&count={count}&timeout={timeout_ms}",
        )

    def update(self, task, status="COMPLETED", output=None, **more):
        return self.call(
            "POST",
            "/api/tasks",
            {
                "workflowInstanceId": task["workflowInstanceId"],
                "taskId": task["taskId"],
                "status": status,
                "outputData": output or {},
                **more,
            },
        )


class Server(Client):
    """A cluster under test, of one node if nothing else is said; as a client it speaks to the first. Use as a context manager: leaving stops it, and removes its
    folder unless `keep` is set or the block failed. `grows_to`: as many nodes as there may be later."""

    def __init__(
        self, build="dev", program=None, folder=None, keep=False, nodes=1, grows_to=0, partitions=None
    ):
        super().__init__(free_port(max(nodes, grows_to)))
        self.folder = folder or tempfile.mkdtemp(prefix="orpheus-test-")
        self.keep = keep
        self.nodes = nodes
        self.members = list(range(1, nodes + 1))  # to be changed by who lets them come and go
        self.program = os.path.abspath(program or os.path.join(ROOT, "build", build, "node/orpheus"))
        self.how = ["--program", program] if program else ["--build", build]
        self.how += ["--nodes", str(nodes)] + (["--grows"] if grows_to else [])
        self.how += ["--partitions", str(partitions)] if partitions else []

    def cluster(self, verb, *words, check=True):
        """Runs a verb of deploy/cluster; gives the finished process."""
        done = subprocess.run(
            [os.path.join(ROOT, "deploy/cluster"), verb, *words, "--dir", self.folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"deploy/cluster {verb}: {done.stdout}{done.stderr}")
        return done

    def start(self):
        self.cluster("start", "--http-port", str(self.port), *self.how)
        return self

    def at(self, node, patience=30):
        """A client of that node, from 1."""
        return Client(self.port + node - 1, patience)

    def kill(self, node=1):
        self.cluster("kill", str(node))

    def restart(self, node=1, program=None):
        """Stops it if it runs, and starts it; that program from then on, if one is given."""
        self.cluster("restart", str(node), *(["--program", program] if program else []))

    def pause(self, node):
        self.cluster("pause", str(node))

    def resume(self, node):
        self.cluster("resume", str(node))

    def log(self, node=1):
        return self.cluster("logs", str(node)).stdout

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.cluster("stop", check=False)
        if kind is None and not self.keep:
            shutil.rmtree(self.folder)
        elif kind is not None:
            print(f"the server's folder is kept: {self.folder}", file=sys.stderr)


def wait_for(condition, seconds=30, what="the condition"):
    """What `condition()` gives once that is true; asks again and again until then, for `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.02)  # time is the subject: the pace of asking, bounded by the deadline
