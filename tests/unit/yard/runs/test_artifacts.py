"""What a run left: found by its shape in S3, said where there is nothing, and brought here whole."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from yard.errors import UserError
from yard.runs import artifacts, runs

RUN = runs.Run(
    job="gpt",
    run_id="20261128-234940-09ab",
    execution_arn="arn",
    status="SUCCEEDED",
    started=datetime.now(UTC),
    stopped=None,
)
OUTPUT = f"runs/{RUN.run_id}/gpt-{RUN.run_id}-1/output/"
SAVED = f"checkpoints/gpt/{RUN.run_id}/"
LONG_AGO = datetime(2026, 11, 28, tzinfo=UTC)


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class Account:
    """One attempt of one run, and a bucket."""

    project = SimpleNamespace(
        deployed_name=str,
        job=lambda name: SimpleNamespace(
            checkpoints=SimpleNamespace(enabled=True, local_path="/opt/ml/checkpoints"), name=name
        ),
    )

    def __init__(self, objects: dict[str, bytes], status: str = "Completed") -> None:
        self.objects, self.status, self.downloads = objects, status, list[str]()

    def client(self, _: str) -> "Account":
        return self

    def artifact_bucket(self) -> str:
        return "artifacts"

    def get_paginator(self, operation: str) -> Any:
        def pages(**wanted: Any) -> list[dict[str, Any]]:
            if operation == "list_training_jobs":
                name = f"gpt-{RUN.run_id}-1"
                return [{"TrainingJobSummaries": [{"TrainingJobName": name, "TrainingJobStatus": self.status}]}]
            found = [
                {"Key": key, "Size": len(body), "LastModified": LONG_AGO}
                for key, body in sorted(self.objects.items())
                if key.startswith(wanted["Prefix"])
            ]
            return [{"Contents": found}]

        return SimpleNamespace(paginate=pages)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[Key])}

    def download_file(self, bucket: str, key: str, path: str, Callback: Any) -> None:
        self.downloads.append(key)
        Path(path).write_bytes(self.objects[key])
        Callback(len(self.objects[key]))


def account(objects: dict[str, bytes], status: str = "Completed") -> Any:
    return Account(objects, status)


def test_a_packed_model_is_unpacked_and_its_archive_goes(tmp_path: Path) -> None:
    aws = account({f"{OUTPUT}model.tar.gz": archive(**{"weights/model.pt": b"w"}), f"{OUTPUT}output.tar.gz": b""})
    files = artifacts.fetch(aws, artifacts.model(aws, RUN), tmp_path / "models")
    assert files == [tmp_path / "models/weights/model.pt"]
    assert files[0].read_bytes() == b"w"
    assert not (tmp_path / "models/model.tar.gz").exists()


def test_a_model_that_is_not_packed_comes_as_files(tmp_path: Path) -> None:
    aws = account({f"{OUTPUT}model/a/model.pt": b"w", f"{OUTPUT}model/config.json": b"{}"})
    found = artifacts.model(aws, RUN)
    assert found.address == f"s3://artifacts/{OUTPUT}model/"
    assert {path.relative_to(tmp_path).as_posix() for path in artifacts.fetch(aws, found, tmp_path)} == {
        "a/model.pt",
        "config.json",
    }


def test_what_came_before_is_not_fetched_again(tmp_path: Path) -> None:
    aws = account({f"{SAVED}ckpt.pt": b"c" * 10})
    (one,) = artifacts.checkpoints(aws, RUN)
    for _ in range(2):
        artifacts.fetch(aws, one.files, tmp_path)
    assert aws.downloads == [f"{SAVED}ckpt.pt"]
    (tmp_path / "ckpt.pt").write_bytes(b"half")
    artifacts.fetch(aws, one.files, tmp_path)
    assert len(aws.downloads) == 2


def test_a_run_that_did_not_complete_has_no_model() -> None:
    with pytest.raises(UserError, match="has no model: none of its training jobs completed"):
        artifacts.model(account({}, "Failed"), RUN)


def test_no_output_data_is_said() -> None:
    with pytest.raises(UserError, match="wrote nothing into SM_OUTPUT_DATA_DIR"):
        artifacts.outputs(account({f"{OUTPUT}model.tar.gz": archive()}), RUN)


def test_our_own_checkpoints_have_a_pointer_and_a_foreign_scripts_have_names() -> None:
    own = f"{SAVED}{RUN.run_id}/"
    ours = {f"{own}step-{n:08}-g1/rank-00000/state.pt": b"s" for n in (10, 20)}
    aws = account({**ours, f"{own}latest.json": b'{"folder": "step-00000010-g1", "step": 10}'})
    assert [(one.name, one.is_latest) for one in artifacts.checkpoints(aws, RUN)] == [
        ("step-00000010-g1", True),
        ("step-00000020-g1", False),
    ]
    theirs = account(
        {f"{SAVED}checkpoint-500/model.bin": b"mm", f"{SAVED}checkpoint-500/x": b"", f"{SAVED}last.ckpt": b""}
    )
    found = {one.name: (len(one.files.objects), one.files.size) for one in artifacts.checkpoints(theirs, RUN)}
    assert found == {"checkpoint-500": (2, 2), "last.ckpt": (1, 0)}


@pytest.mark.parametrize("nothing", [{}, {f"{OUTPUT}model.tar.gz": archive()}])
def test_a_run_that_left_nothing_is_told_so(nothing: dict[str, bytes]) -> None:
    model, checkpoint = artifacts.what_is_missing(account(nothing), RUN)
    assert "The model of 20261128-234940-09ab is empty" in model and "SM_MODEL_DIR" in model
    assert "kept no checkpoint" in checkpoint


def test_a_run_that_left_all_is_told_nothing() -> None:
    left = {f"{OUTPUT}model.tar.gz": archive(model=b"1"), f"{SAVED}ckpt.pt": b"1"}
    assert list(artifacts.what_is_missing(account(left), RUN)) == []


@pytest.mark.parametrize(("size", "said"), [(7, "7 bytes"), (78_600_000, "78.6 MB"), (3_200_000_000, "3.2 GB")])
def test_sizes_in_words(size: int, said: str) -> None:
    assert artifacts.in_words(size) == said
