"""A function sees what Lambda would show it: its code, the runtime, a /tmp of its own, and nothing of the machine."""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.in_process import Account, account, zipped

__all__ = ["account"]

CODE = """
import errno, glob, os, socket

def probe(does):
    try:
        return does()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)

def connect(kind, address):
    with socket.socket(kind) as client:
        client.settimeout(5)
        client.connect(address)
        return "connected"

def write(path):
    with open(path, "w") as file:
        file.write("mine")
    return "written"

def handler(event, context):
    home, socket_path, port = event["home"], event["socket"], event["port"]
    import boto3
    return {
        "home": probe(lambda: open(home).read()),
        "socket": probe(lambda: connect(socket.AF_UNIX, socket_path)),
        "port": probe(lambda: connect(socket.AF_INET, ("127.0.0.1", port))),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "parent": probe(lambda: open(f"/proc/{os.getppid() or 1}/environ").read().count("MARKER_OF_THE_SERVER")),
        "code": probe(lambda: write("/var/task/marker")),
        "runtime": probe(lambda: write("/var/runtime/marker")),
        "root": probe(lambda: write("/marker")),
        "tmp": probe(lambda: write("/tmp/marker")),
        "folder": os.getcwd(),
        "file": __file__,
        "layer": probe(lambda: open("/opt/python/layered.py").read()),
        "who": boto3.client("sts").get_caller_identity()["Arn"].split("/")[-1],
    }
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder outside of /tmp, with a file as a home has it and a socket as a daemon has it."""
    folder = Path(tempfile.mkdtemp(prefix="shardyard-test-", dir="/var/tmp"))
    (folder / "credentials").write_text("aws_secret_access_key = real")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def neighbour() -> Iterator[int]:
    """Somebody's server on the machine's loopback."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def invoke(account: Account, name: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = account.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


def test_a_function_sees_its_own_files_and_the_cloud_alone(
    account: Account, home: Path, neighbour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MARKER_OF_THE_SERVER", "seen")
    layer = account.client("lambda").publish_layer_version(
        LayerName="layered", Content={"ZipFile": zipped({"python/layered.py": "of the layer"})}
    )
    role = account.role("probing-role", "lambda")
    account.function("probing", CODE, role, Timeout=20, Layers=[layer["LayerVersionArn"]])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "service.sock"))
        server.listen()
        event = {"home": str(home / "credentials"), "socket": str(home / "service.sock"), "port": neighbour}
        found = invoke(account, "probing", event)
    assert found == {
        "home": "ENOENT",
        "socket": "ENOENT",
        "port": "ECONNREFUSED",
        "processes": [1],
        "parent": 0,
        "code": "EROFS",
        "runtime": "EROFS",
        "root": "EROFS",
        "tmp": "written",
        "folder": "/var/task",
        "file": "/var/task/m.py",
        "layer": "of the layer",
        "who": "probing",
    }
