"""A model's container in a real cell: its port, its health, its answers, its end."""

import io
import tarfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embedded import settings
from embedded.nodes.process_engine import ProcessEngine
from embedded.services.sagemaker.serving.containers import container, model_files
from embedded.services.sagemaker.serving.containers.container import ContainerSpec, ModelContainer, NotWell
from embedded.services.sagemaker.serving.containers.http import NoAnswer, TooLate
from tests.support.serving.model_server import PROGRAM

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test/server:1"


class Bucket:
    """As much of S3 as a model needs."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"ContentLength": len(self.objects[Key])}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, name: str) -> Any:
        def paginate(Bucket: str, Prefix: str) -> list[dict[str, Any]]:
            found = sorted(key for key in self.objects if key.startswith(Prefix))
            return [{"Contents": [{"Key": key, "Size": len(self.objects[key])} for key in found]}]

        return SimpleNamespace(paginate=paginate)

    def __getattr__(self, name: str) -> Any:
        return lambda **_: {}


def packed(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    folder = tmp_path / "containers" / "server"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("")
    (folder / "run.py").write_text(textwrap.dedent(PROGRAM))
    (folder / "Dockerfile").write_text(
        'FROM python:3.11-slim\nCOPY containers/server/run.py /opt/program/run.py\nENTRYPOINT ["python", '
        '"/opt/program/run.py"]\n'
    )
    made = Bucket({"model.tar.gz": packed({"answer.txt": "seven"})})
    monkeypatch.setattr(settings.current, "project_root", tmp_path)
    monkeypatch.setattr(settings.current, "work_root", tmp_path)
    monkeypatch.setattr(container.execution_role, "client", lambda *_: made)
    monkeypatch.setattr(container.clients, "endpoint", lambda: "http://127.0.0.1:1")
    return made


def spec(**environment: str) -> ContainerSpec:
    return ContainerSpec(
        definition={"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": environment},
        role_arn="role",
        region="us-east-1",
        log_group="group",
        log_stream="stream",
        is_isolated=True,
    )


@pytest.fixture
def served(bucket: Bucket) -> Iterator[ModelContainer]:
    made = ModelContainer(spec(), ProcessEngine())
    made.start()
    try:
        made.wait_until_well(20)
        yield made
    finally:
        made.stop(1)


def test_a_container_answers_over_connections_that_are_kept_and_leaves_nothing(served: ModelContainer) -> None:
    answer = served.post(b"1,2", {"Content-Type": "text/csv", "Accept": "text/csv"})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"seven:1,2", "text/csv")
    assert served.get("/execution-parameters").body.startswith(b'{"MaxConcurrentTransforms"')
    assert len(served.client._idle) == 1, "one connection served all three"
    exchange = served.open(b"stream", {})
    came = [(chunk, time.monotonic()) for chunk in exchange.chunks()]
    assert b"".join(chunk for chunk, _ in came) == b"one two three"
    assert came[-1][1] - came[0][1] > 0.05, "the parts came as they were made"
    with pytest.raises(TooLate):
        served.post(b"hang", {}, seconds=0.2)
    with pytest.raises(NoAnswer):
        served.post(b"die", {})
    assert served._ended.wait(5) and served.exit_code == 9
    with pytest.raises(NoAnswer, match="does not run"):
        served.post(b"1", {})
    served.stop(0)
    assert not served.folder.exists()


def test_what_ends_before_it_is_well_is_told_with_its_last_lines(bucket: Bucket) -> None:
    made = ModelContainer(spec(CRASHES="yes"), ProcessEngine())
    made.start()
    try:
        with pytest.raises(NotWell, match="exit code 3"):
            made.wait_until_well(20)
        assert made.last_lines() == "cannot read the weights"
    finally:
        made.stop(0)


def test_what_is_never_well_is_told_when_its_time_is_up(bucket: Bucket) -> None:
    made = ModelContainer(spec(SICK="yes"), ProcessEngine())
    made.start()
    try:
        with pytest.raises(NotWell, match=r"within 0\.5 seconds"):
            made.wait_until_well(0.5)
    finally:
        made.stop(0)


@pytest.mark.parametrize(
    ("objects", "source", "files"),
    [
        ({"m/a.txt": b"1", "m/b/c.txt": b"2"}, ("s3://bucket/m/", "S3Prefix", "None"), ["a.txt", "b/c.txt"]),
        ({"m/a.bin": b"1"}, ("s3://bucket/m/a.bin", "S3Object", "None"), ["a.bin"]),
        ({"m.tar.gz": packed({"x/y": "z"})}, ("s3://bucket/m.tar.gz", "S3Object", "Gzip"), ["x/y"]),
    ],
)
def test_a_model_comes_in_every_form_that_a_data_source_may_have(
    objects: dict[str, bytes], source: tuple[str, str, str], files: list[str], tmp_path: Path
) -> None:
    given = dict(zip(("S3Uri", "S3DataType", "CompressionType"), source, strict=True))
    more = [{"ChannelName": "draft", "S3DataSource": given}]
    definition = {"ModelDataSource": {"S3DataSource": given}, "AdditionalModelDataSources": more}
    model_files.fetch(Bucket(objects), definition, tmp_path)
    for folder in (tmp_path / "model", tmp_path / "additional_model_data_sources" / "draft"):
        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == files


def test_a_model_that_is_no_archive_or_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(model_files.ModelDataError, match="cannot be unpacked"):
        model_files.fetch(Bucket({"m": b"no archive"}), {"ModelDataUrl": "s3://bucket/m"}, tmp_path)
    source = {"S3Uri": "s3://bucket/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    with pytest.raises(model_files.ModelDataError, match="leads out"):
        objects = {"m/../../evil": b""}
        model_files.fetch(Bucket(objects), {"ModelDataSource": {"S3DataSource": source}}, tmp_path)
    with pytest.raises(model_files.ModelDataError, match="Failed to download"):
        model_files.fetch(Bucket({}), {"ModelDataSource": {"S3DataSource": source}}, tmp_path)
