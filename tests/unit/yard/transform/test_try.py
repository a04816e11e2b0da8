"""`yard transform try`: one record on its way through the job that ships."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.plan import Plan
from shardyard.spec.transform.trip import travel
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE
from yard.commands.serving import transform
from yard.errors import UserError
from yard.transforms import at_url, plan_of, read_object

APP = typer.Typer()
transform.register(APP)


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A container that says of a JSON array how long it is, and refuses everything else."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Quietly."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = isinstance(body, list) and self.headers["Content-Type"] == "application/jsonlines"
            said = json.dumps({"length": len(body)}).encode() if known else b"no array"
            self.send_response(200 if known else 400)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 7, "features": [1, 2, 3]}\n{"id": 8, "features": "none"}\n')
    return file


def tried(*words: str) -> Any:
    return CliRunner().invoke(APP, ["transform", "try", *words], catch_exceptions=True)


def test_without_a_container_it_goes_as_far_as_the_model(rows: Path) -> None:
    done = tried("digits-transform", str(rows), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"record": '{"id": 7, "features": [1, 2, 3]}', "sent": "[1,2,3]"}


def test_with_a_container_it_is_joined_and_filtered(rows: Path, container: str) -> None:
    done = tried("digits-transform", str(rows), "--url", container, "--json")
    assert done.exit_code == 0, done.output
    steps = json.loads(done.stdout)
    assert json.loads(steps["joined"]) == {"id": 7, "features": [1, 2, 3], "SageMakerOutput": {"length": 3}}
    assert steps["result"] == '{"SageMakerOutput":{"length":3},"id":7}'


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("digits-transform", "ROWS", "--record", "3"), "there is no record 3: the object has 2, split by Line"),
        (("digits-transform", "nowhere"), "nowhere cannot be read: No such file or directory"),
        (("mnist-ddp", "ROWS"), "mnist-ddp is a training job, not a transform job"),
        (("digits-transform", "ROWS", "--url", "http://127.0.0.1:9", "--endpoint", "e"), "exclude each other"),
        (("digits-transform", "ROWS", "--url", "http://127.0.0.1:9"), "http://127.0.0.1:9 does not answer"),
        (("digits-transform", "ROWS", "--record", "2", "--url", "CONTAINER"), "refused the record with 400: no array"),
    ],
)
def test_what_goes_wrong_is_told(words: tuple[str, ...], says: str, rows: Path, container: str) -> None:
    named = [{"ROWS": str(rows), "CONTAINER": container}.get(word, word) for word in words]
    done = tried(*named)
    assert isinstance(done.exception, UserError)
    assert says in done.exception.happened


def test_a_packed_object_is_unpacked_and_one_that_is_not_is_told(rows: Path) -> None:
    with pytest.raises(UserError, match="is no gzip file"):
        read_object(rows, "Gzip")


def test_the_plan_is_the_jobs(container: str) -> None:
    tables = {"batching": {"max_payload_mb": 2, "strategy": "SingleRecord"}, "inputs": {"rows": {"split": "Line"}}}
    spec = TransformSpec.from_dict(over(BASE, {**tables, "output": {"assemble_with": "Line"}}))
    expected = Plan(
        split="Line",
        strategy="SingleRecord",
        payload_mb=2,
        assemble="Line",
        content_type="application/jsonlines",
    )
    assert plan_of(spec) == expected
    with pytest.raises(UserError, match="does not answer"):
        at_url("localhost", "a/b", None, seconds=1)(b"x")


def test_a_record_that_cannot_be_joined_is_told() -> None:
    plan = Plan(split="Line", content_type="text/csv", accept="text/csv", join="Input")
    with pytest.raises(TransformError, match="answered 2 lines to 1 records"):
        travel(b"1\n2\n", plan, 2, lambda body: b"a\nb\n")
