"""Each clause of the serving contract is broken by a container made for it, and said."""

import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from yard import commands
from yard.containers import clauses, running
from yard.errors import UserError
from yard.main import app

SAMPLE = clauses.Sample(body=b"[1]", kind="application/json")


class Good(BaseHTTPRequestHandler):
    """Keeps all clauses."""

    ping = (200, b"")
    parameters = (200, b'{"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}')
    bad = 400
    large = 400
    answer = 200
    ping_seconds = 0.0

    def do_GET(self) -> None:
        if self.path == "/ping":
            time.sleep(self.ping_seconds)
            self.reply(*self.ping)
        else:
            self.reply(*self.parameters)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.large if len(body) > 1000 else self.answer if body == SAMPLE.body else self.bad
        self.reply(status, b"{}")

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""


class Server(ThreadingHTTPServer):
    """Holds as many clients that wait as the check sends: one turned away comes back seconds later."""

    request_queue_size = 128


@contextmanager
def container(**otherwise: Any) -> Iterator[running.Running]:
    server = Server(("127.0.0.1", 0), type("Bad", (Good,), otherwise))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running.Running(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clauses, "_LOAD_SECONDS", 0.2)


def verdicts(**otherwise: Any) -> list[clauses.Verdict]:
    with container(**otherwise) as one:
        return list(clauses.check(one, SAMPLE, start_seconds=0.5))


def test_a_good_container_keeps_all_that_can_be_looked_at() -> None:
    found = verdicts()
    assert [one.clause for one in found if one.is_kept is False] == []
    assert [one.found for one in found if one.is_kept is None] == ["somebody else has started it"] * 2
    assert len(found) == 10


@pytest.mark.parametrize(
    "otherwise, clause, said",
    [
        ({"ping": (503, b"")}, "answers 200 within 0.5 s", "the last answer was 503"),
        ({"ping": (200, b"pong")}, "has an empty body", "4 bytes"),
        ({"parameters": (200, b'{"MaxPayloadInMB": 6}')}, "execution-parameters", "BatchStrategy"),
        ({"parameters": (200, b"no")}, "execution-parameters", "no JSON"),
        ({"parameters": (500, b"")}, "execution-parameters", "500"),
        ({"answer": 500}, "answers the sample with 200", "500"),
        ({"large": 413}, "not refused for its size", "413"),
        ({"bad": 200}, "cannot be read is answered with an error", "200"),
    ],
)
def test_a_broken_clause_is_told_and_no_other(otherwise: Mapping[str, Any], clause: str, said: str) -> None:
    broken = [one for one in verdicts(**otherwise) if one.is_kept is False and "while" not in one.clause]
    assert len(broken) == 1
    assert clause in broken[0].clause and said in broken[0].found


def test_a_ping_that_waits_for_the_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clauses, "PING_SECONDS", 0.2)
    with container(ping_seconds=0.3) as one:
        (verdict,) = clauses.check(one, SAMPLE, start_seconds=0.5)
    assert verdict.is_kept is False and "nothing listened" in verdict.found


def test_without_a_sample_what_needs_one_is_not_judged() -> None:
    with container() as one:
        found = list(clauses.check(one, None, start_seconds=1))
    assert sum(one.is_kept is None for one in found) == 4
    assert any("--body FILE" in one.found for one in found)


def test_the_command_ends_with_one_where_a_clause_is_broken() -> None:
    commands.register(app)
    with container(ping=(200, b"x")) as one:
        done = CliRunner().invoke(app, ["container", "check", f"http://{one.host}:{one.port}"])
    assert done.exit_code == 1
    assert "BROKEN         A good /ping has an empty body. (1 bytes)" in done.output


@pytest.mark.parametrize("target", ["https://host:1", "http://"])
def test_an_address_that_is_none(target: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no address of a container"), running.run(target, tmp_path, None):
        pass


def test_an_image_runs_in_docker_with_the_model_and_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    docker = tmp_path / "docker"
    docker.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(said)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "print({'run': 'c0ffee', 'port': '127.0.0.1:4321', 'inspect': 'false'}.get(sys.argv[1], ''))\n"
    )
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    model = tmp_path / "model"
    model.mkdir()
    with running.run("mine:1", tmp_path, model) as one:
        assert (one.port, one.is_alive()) == (4321, False)
        assert one.stop(1) is not None
    lines = said.read_text().splitlines()
    assert lines[0] == f"run --detach --publish 127.0.0.1::8080 --volume {model}:/opt/ml/model:ro mine:1 serve"
    assert "kill --signal TERM c0ffee" in lines and lines[-1] == "rm --force --volumes c0ffee"


def test_without_docker_an_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="mine:1 is no folder of containers/"), running.run("mine:1", tmp_path, None):
        pass


def test_a_folder_runs_as_a_process_with_its_paths_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without packages its environment is a bare Python; the program is this repository's smallest server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "containers" / "own"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("")
    (folder / "program").mkdir()
    (folder / "program" / "own_server.py").write_text(
        "import http.server, os, pathlib, signal, sys\n"
        "assert sys.argv[1:] == ['serve']\n"
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n"
        "model = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'model', 'weights').read_bytes()\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200 if self.path == '/ping' else 404)\n"
        "        self.send_header('Content-Length', '0')\n"
        "        self.end_headers()\n"
        "    def do_POST(self):\n"
        "        body = self.rfile.read(int(self.headers['Content-Length']))\n"
        "        self.send_response(200 if body == b'[1]' else 400)\n"
        "        self.send_header('Content-Length', str(len(model)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(model)\n"
        "address = (os.environ['SHARDYARD_SERVING_HOST'], int(os.environ['SAGEMAKER_BIND_TO_PORT']))\n"
        "http.server.ThreadingHTTPServer(address, H).serve_forever()\n"
    )
    (folder / "Dockerfile").write_text(
        "FROM x\nCOPY containers/own/program /opt/own\nENV PYTHONPATH=/opt/own\n"
        'ENTRYPOINT ["python", "-m", "own_server"]\n'
    )
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"w")
    with running.run("own", tmp_path, model) as one:
        found = {verdict.clause: verdict for verdict in clauses.check(one, SAMPLE, start_seconds=30)}
    ended = next(verdict for clause, verdict in found.items() if clause.startswith("SIGTERM ends it"))
    assert ended.is_kept, ended.found
    assert all(verdict.is_kept for clause, verdict in found.items() if "SIGTERM" not in clause)


@pytest.mark.parametrize("address", ["http://localhost:99999", "http://[::1", "http://", "http://:8080"])
def test_an_address_that_is_none_is_said_to_be_none(address: str) -> None:
    with pytest.raises(UserError, match="is no address of a container"):
        running.Running(address)
