"""A folder and its place in S3: what is lacking there, and in which order it is sent."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.training.fake_mirror import FakeBucket
from training.saves import mirror as mirror_module
from training.saves.mirror import Mirror, Unreachable, checkpoint_folder


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    found = FakeBucket()
    monkeypatch.setattr(mirror_module, "_make_client", lambda: found)
    monkeypatch.setattr(mirror_module, "_SENDERS", 1)
    return found


def write(folder: Path, name: str, text: str, modified: float) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (modified, modified))


def test_what_is_not_there_or_has_another_size_is_lacking(tmp_path: Path, bucket: FakeBucket) -> None:
    for name in ("same", "shorter", "absent"):
        write(tmp_path, name, "four", 100)
    bucket.put("run/same", b"FOUR")
    bucket.put("run/shorter", b"4")
    bucket.put("run/of-another-node", b"x")
    assert sorted(path.name for path in Mirror(tmp_path, "s3://bucket/run/").lacking()) == ["absent", "shorter"]


def test_a_file_written_over_since_the_start_is_lacking_until_it_was_sent_after_that(
    tmp_path: Path, bucket: FakeBucket
) -> None:
    mirror = Mirror(tmp_path, "s3://bucket/run")
    write(tmp_path, "restored", "four", 100)
    write(tmp_path, "rewritten", "four", 1000)
    for key in ("run/restored", "run/rewritten"):
        bucket.put(key, b"FOUR", modified=50)
    assert mirror.lacking(since=500) == [tmp_path / "rewritten"]
    bucket.put("run/rewritten", b"FOUR", modified=1001)
    assert mirror.lacking(since=500) == []


def test_the_newest_folder_is_sent_first_and_what_was_written_last_in_it_last(
    tmp_path: Path, bucket: FakeBucket
) -> None:
    for number, name in enumerate(("old/data", "old/manifest", "new/z-data", "new/a-manifest")):
        write(tmp_path, name, "x", 100 + number)
    mirror = Mirror(tmp_path, "s3://bucket")
    mirror.send([*mirror.lacking(), tmp_path / "removed meanwhile"])
    assert bucket.sent == ["new/z-data", "new/a-manifest", "old/data", "old/manifest"]


@pytest.mark.parametrize("operation", ["list_objects_v2", "upload_file", "get_object"])
def test_what_the_role_may_not_do_is_said_in_the_services_words(
    tmp_path: Path, bucket: FakeBucket, operation: str
) -> None:
    write(tmp_path, "a", "x", 1)
    bucket.refuse.add(operation)
    mirror = Mirror(tmp_path, "s3://bucket/run")
    with pytest.raises(Unreachable, match=f"AccessDenied.*{operation}"):
        mirror.send(mirror.lacking())
        mirror.read(["a"])


def test_an_image_without_boto3_is_told_what_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unreachable, match=r"the image has no boto3: add it to the image's requirements\.txt"):
        Mirror(tmp_path, "s3://bucket/run").lacking()


def test_the_variables_name_the_folder_and_its_place(tmp_path: Path) -> None:
    environ = {"SAGEMAKER_BASE_DIR": str(tmp_path), "SHARDYARD_CHECKPOINT_S3": "s3://bucket/checkpoints/run/"}
    found = Mirror.from_environ(environ)
    assert found is not None
    assert (found.folder, found.uri) == (tmp_path / "checkpoints", "s3://bucket/checkpoints/run")
    assert Mirror.from_environ({}) is None
    assert checkpoint_folder({**environ, "SHARDYARD_CHECKPOINT_DIR": "/opt/ml/local/x"}) == tmp_path / "local/x"
    assert checkpoint_folder({**environ, "SHARDYARD_CHECKPOINT_DIR": "/mnt/x"}) == Path("/mnt/x")
