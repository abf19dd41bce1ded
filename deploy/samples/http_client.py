"""A call to the server with the standard library alone, for the scripts of this folder."""

import json
import os
import urllib.error
import urllib.request

DEFAULT_SERVER = "http://127.0.0.1:" + (os.environ.get("ORPHEUS_HTTP_PORT") or "8080")
FOLDER = os.path.dirname(os.path.abspath(__file__))
SAMPLES = ("image_conversion", "loan_application", "order_saga", "population")


class ServerSaysNo(Exception):
    """The answer was not 2xx; the text has the status and the server's message."""


def call(server, method, path, body=None, timeout=30):
    """The answer's JSON, or its text when it is not JSON, or None when it is empty."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        server + path, content, {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise ServerSaysNo(f"{method} {path}: {error.code} {said}") from None
    return json.loads(text) if is_json and text else text or None


def definitions(sample, kind):
    """What a sample's tasks.json or workflows.json holds."""
    with open(os.path.join(FOLDER, sample, kind + ".json"), encoding="utf-8") as file:
        return json.load(file)
