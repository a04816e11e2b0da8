"""`yard transform try --model`: the job's image started for one record, with the model and the job's variables."""

from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.jobs.transform.transform import TransformSpec
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE
from yard import transforms
from yard.errors import UserError

_SERVER = """\
import http.server, os, pathlib, sys
model = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "model", "weights")
if not model.is_file():
    sys.exit("there are no weights")
said = (model.read_text() + os.environ["GREETING"]).encode()
class H(http.server.BaseHTTPRequestHandler):
    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.reply(b"")
    def do_POST(self):
        self.reply(said + self.rfile.read(int(self.headers["Content-Length"])))
address = (os.environ["SHARDYARD_SERVING_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, H).serve_forever()
"""


def job(**image: Any) -> TransformSpec:
    return TransformSpec.from_dict(over(BASE, {"image": image, "environment": {"GREETING": " greets "}}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one image without packages, whose environment is a bare Python."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "containers/own"
    (folder / "program").mkdir(parents=True)
    (folder / "requirements.txt").write_text("")
    (folder / "program/small_server.py").write_text(_SERVER)
    (folder / "Dockerfile").write_text(
        "FROM x\nCOPY containers/own/program /opt/own\nENV PYTHONPATH=/opt/own\n"
        'ENTRYPOINT ["python", "-m", "small_server"]\n'
    )
    (tmp_path / "model").mkdir()
    return tmp_path


def test_the_record_goes_to_the_jobs_image_which_is_gone_afterwards(project: Path) -> None:
    (project / "model/weights").write_text("the model")
    with transforms.started(job(folder="own"), project, project / "model", seconds=10) as ask:
        assert ask(b"a record") == b"the model greets a record"
    with pytest.raises(UserError, match="does not answer"):
        ask(b"another")


def test_a_container_that_does_not_start_tells_its_last_lines(project: Path) -> None:
    with (
        pytest.raises(UserError, match="own did not become ready: it ended by itself:\nthere are no weights"),
        transforms.started(job(folder="own"), project, project / "model", seconds=10),
    ):
        pytest.fail("it is not ready")


@pytest.mark.parametrize(
    ("image", "model", "says"),
    [
        ({"folder": None, "repository": "own", "tag": "1"}, "model", "is no folder of containers/"),
        ({"folder": "own"}, "nowhere", "There is no folder"),
    ],
)
def test_what_cannot_be_started_is_refused(project: Path, image: dict[str, Any], model: str, says: str) -> None:
    with (
        pytest.raises(UserError, match=says),
        transforms.started(job(**image), project, project / model, seconds=10),
    ):
        pytest.fail("it is refused")
