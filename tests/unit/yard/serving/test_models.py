"""Where a model lies: in a run, in the registry, in S3, in a file of the project."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shardyard.spec.endpoints.model import ModelSource
from tests.support.fakes.fake_serving import FakeServing
from tests.support.spec.endpoints import endpoint
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import artifacts, runs
from yard.serving.models import address_of, of_run


def address(aws: FakeServing, **source: Any) -> str:
    return address_of(cast(Aws, aws), endpoint(), ModelSource(**source))


def test_a_key_lies_in_the_artifact_bucket_and_an_address_where_it_says() -> None:
    assert address(FakeServing(), s3="models/a.tar.gz") == "s3://artifacts/models/a.tar.gz"
    assert address(FakeServing(), s3="s3://other/a.tar.gz") == "s3://other/a.tar.gz"


def test_the_registry_gives_its_newest_approved_model() -> None:
    aws = FakeServing()
    with pytest.raises(UserError, match="has no approved model"):
        address(aws, registry="digits")
    aws.packages = [{"ModelPackageArn": "newest"}, {"ModelPackageArn": "older"}]
    assert address(aws, registry="digits") == "s3://artifacts/newest.tar.gz"


def test_a_file_is_uploaded_under_its_content(tmp_path: Path) -> None:
    aws = FakeServing()
    aws.project.root = tmp_path
    with pytest.raises(UserError, match="There is no file"):
        address(aws, file="model.tar.gz")
    (tmp_path / "model.tar.gz").write_bytes(b"one")
    first = address(aws, file="model.tar.gz")
    (tmp_path / "model.tar.gz").write_bytes(b"two")
    second = address(aws, file="model.tar.gz")
    assert first != second and first.startswith("s3://artifacts/models/digits/")
    assert set(aws.objects.values()) == {b"one", b"two"}


@pytest.fixture
def two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest run of mnist-ddp failed, the one before succeeded."""
    found = [
        SimpleNamespace(run_id=name, status=status, job="mnist-ddp")
        for name, status in (("b", "FAILED"), ("a", "SUCCEEDED"))
    ]
    monkeypatch.setattr(runs, "executions", lambda aws, job: iter(found))
    monkeypatch.setattr(runs, "find", lambda aws, name: next(run for run in found if run.run_id == name))
    monkeypatch.setattr(
        artifacts, "model", lambda aws, run: SimpleNamespace(address=f"s3://artifacts/runs/{run.run_id}/model.tar.gz")
    )


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize(
    ("name", "run"), [("mnist-ddp", "a"), ("mnist-ddp:latest", "a"), ("mnist-ddp:b", "b"), ("b", "b")]
)
def test_a_run_is_named_as_in_the_file_or_alone_and_latest_is_the_newest_that_succeeded(name: str, run: str) -> None:
    assert of_run(cast(Aws, FakeServing()), name) == f"s3://artifacts/runs/{run}/model.tar.gz"


@pytest.mark.usefixtures("two_runs")
def test_a_file_names_a_run_likewise() -> None:
    assert address(FakeServing(), run="mnist-ddp:latest") == "s3://artifacts/runs/a/model.tar.gz"


@pytest.mark.usefixtures("two_runs")
def test_a_model_that_is_no_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "model", lambda aws, run: SimpleNamespace(address="s3://artifacts/runs/a/model/"))
    with pytest.raises(UserError, match="is no archive"):
        of_run(cast(Aws, FakeServing()), "a")


def test_a_job_that_never_succeeded_has_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "executions", lambda aws, job: iter(()))
    with pytest.raises(UserError, match="No run of mnist-ddp has succeeded yet"):
        of_run(cast(Aws, FakeServing()), "mnist-ddp")
