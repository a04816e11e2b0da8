"""Spark's history server, on this machine's loopback alone."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shardyard.spec.product import product_root
from yard.errors import UserError
from yard.output import say

ADDRESS = "127.0.0.1"
_CLASS = "org.apache.spark.deploy.history.HistoryServer"
_START_SECONDS_MOST = 120.0
_POLL_SECONDS = 0.3


@contextlib.contextmanager
def running(project: Path, logs: Path, count: int, port: int) -> Iterator[list[dict[str, Any]]]:
    """A server over `count` event logs; yields the applications that it shows once it has read them all."""
    if shutil.which("java") is None:
        raise UserError(
            "Spark's history server needs Java, and there is none here.", "Install it: default-jre-headless"
        )
    server = _start(project, logs, port)
    try:
        yield _applications(server, logs, count, port)
    finally:
        server.terminate()
        server.wait()


def _start(project: Path, logs: Path, port: int) -> "subprocess.Popen[bytes]":
    from embedded.nodes import image_environment

    own = project / "containers" / "spark" / "requirements.txt"
    requirements = own if own.is_file() else product_root() / "containers" / "spark" / "requirements.txt"
    if not image_environment.is_ready(requirements):
        say("Making the environment of containers/spark; this takes some minutes once.")
    (home,) = (image_environment.ensure(requirements) / "lib").glob("python*/site-packages/pyspark")
    options = {"spark.history.fs.logDirectory": logs.as_uri(), "spark.history.ui.port": str(port)}
    variables = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": ADDRESS,
        "SPARK_HISTORY_OPTS": " ".join(f"-D{name}={value}" for name, value in options.items()),
    }
    with (logs.parent / "log").open("wb") as log:
        return subprocess.Popen([str(home / "bin" / "spark-class"), _CLASS], env=variables, stdout=log, stderr=log)


def _applications(server: "subprocess.Popen[bytes]", logs: Path, count: int, port: int) -> list[dict[str, Any]]:
    until = time.monotonic() + _START_SECONDS_MOST
    while True:
        if server.poll() is not None:
            said = (logs.parent / "log").read_text(errors="replace").strip().splitlines()
            raise UserError(
                f"The history server ended with {server.returncode}: {said[-1] if said else 'no word'}",
                "Is the port free? Choose another: --port N",
            )
        found = _ask(port)
        if len(found) >= count:
            return found
        if time.monotonic() > until:
            raise UserError(f"The history server has read {len(found)} of {count} event logs; the others are damaged.")
        time.sleep(_POLL_SECONDS)


def _ask(port: int) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}:{port}/api/v1/applications", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
    except (urllib.error.URLError, OSError, ValueError):  # it is still starting
        return []
