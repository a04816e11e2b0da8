"""The auto-stop looks at kernels, terminals and load; the whole start script is clean shell and fits."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shardyard.workspaces.notebook_scripts import MOST_CHARACTERS, on_start

SCRIPT = Path(__file__).parents[3] / "constructs/shardyard/workspaces/notebook_scripts/auto_stop.py"


class Jupyter:
    """Answers /api/kernels and /api/terminals."""

    def __init__(self) -> None:
        self.kernels: list[dict[str, str]] = []
        self.terminals: list[dict[str, str]] = []


@pytest.fixture
def jupyter() -> Iterator[tuple[Jupyter, str]]:
    fake = Jupyter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(getattr(fake, self.path.rsplit("/", 1)[1])).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield fake, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook instance's places, an `aws` that writes down its arguments, and last use two hours ago."""
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/yard-dev-main"
    (tmp_path / "metadata.json").write_text(json.dumps({"ResourceName": "yard-dev-main", "ResourceArn": arn}))
    (tmp_path / "state.json").write_text(json.dumps({"last_used": time.time() - 7200}))
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    aws.chmod(0o755)
    return tmp_path


def look(notebook: Path, url: str, *, idle_minutes: int = 60, busy_load: float = 1000) -> str | None:
    """Run the script once; what it called `aws` with, if it did."""
    places = ["--state", str(notebook / "state.json"), "--metadata", str(notebook / "metadata.json")]
    limits = ["--idle-minutes", str(idle_minutes), "--busy-load", str(busy_load)]
    subprocess.run(
        [sys.executable, str(SCRIPT), "--jupyter", url, *limits, *places],
        check=True,
        env={**os.environ, "PATH": f"{notebook}:{os.environ['PATH']}"},
        capture_output=True,
    )
    called = notebook / "called"
    return called.read_text().strip() if called.exists() else None


def minutes_ago(minutes: float) -> str:
    return datetime.fromtimestamp(time.time() - 60 * minutes, UTC).isoformat().replace("+00:00", "Z")


def test_a_notebook_that_nobody_used_is_stopped(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    fake, url = jupyter
    fake.kernels = [{"execution_state": "idle", "last_activity": minutes_ago(90)}]
    fake.terminals = [{"last_activity": minutes_ago(61)}]
    called = "--region eu-central-1 sagemaker stop-notebook-instance --notebook-instance-name yard-dev-main"
    assert look(notebook, url) == called


def test_a_kernel_that_computes_keeps_it(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    fake, url = jupyter
    fake.kernels = [{"execution_state": "busy", "last_activity": minutes_ago(90)}]
    assert look(notebook, url) is None


def test_a_kernel_used_lately_keeps_it(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    fake, url = jupyter
    fake.kernels = [{"execution_state": "idle", "last_activity": minutes_ago(59)}]
    assert look(notebook, url) is None


def test_a_terminal_used_lately_keeps_it(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    fake, url = jupyter
    fake.terminals = [{"last_activity": minutes_ago(10)}]
    assert look(notebook, url) is None


def test_busy_processors_keep_it(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    assert look(notebook, jupyter[1], busy_load=0) is None


def test_the_first_look_after_a_start_counts_as_use(notebook: Path, jupyter: tuple[Jupyter, str]) -> None:
    (notebook / "state.json").unlink()
    assert look(notebook, jupyter[1]) is None
    assert time.time() - json.loads((notebook / "state.json").read_text())["last_used"] < 60


def test_a_jupyter_that_is_down_does_not_keep_an_unused_notebook(notebook: Path) -> None:
    assert look(notebook, "http://127.0.0.1:9") is not None


def test_the_whole_script_is_clean_shell_and_fits(tmp_path: Path) -> None:
    script = tmp_path / "on_start.sh"
    script.write_text(on_start(45))
    assert len(on_start(45)) <= MOST_CHARACTERS
    assert "IDLE_MINUTES=45\n" in on_start(45)
    assert "@AUTO_STOP_PY@" not in on_start(45)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    subprocess.run([str(shellcheck), str(script)], check=True)


def test_the_program_inside_the_script_arrives_unchanged(tmp_path: Path) -> None:
    """The here-document must not expand or cut anything of it."""
    block = on_start(45).split("cat > /opt/shardyard/auto_stop.py", 1)[1].split("\nAUTO_STOP\n", 1)[0]
    here = subprocess.run(
        ["bash", "-c", "cat" + block + "\nAUTO_STOP\n"], check=True, capture_output=True, text=True
    ).stdout
    assert here == SCRIPT.read_text()


def test_the_start_script_leaves_a_timer_that_goes_on(tmp_path: Path) -> None:
    """systemd's commands are written down; a unit has no HOME, and without one the aws command finds no credentials."""
    for name in ("systemctl", "systemd-run", "install"):
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\n')
        command.chmod(0o755)
    script = tmp_path / "on_start.sh"
    script.write_text(on_start(45).replace("/opt/shardyard", str(tmp_path)))
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["bash", str(script)], check=True, env={**os.environ, "PATH": path})
    timer = (tmp_path / "called").read_text().splitlines()[-1]
    assert timer.startswith("systemd-run --unit=shardyard-auto-stop --on-active=5min --on-unit-active=5min ")
    assert timer.endswith(f"--setenv=HOME=/root /usr/bin/python3 {tmp_path}/auto_stop.py --idle-minutes 45")
    assert (tmp_path / "auto_stop.py").read_text() == SCRIPT.read_text()
