"""The commit that a launch was made from, and what differed from it."""

import io
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from yard.project import find_project
from yard.sources import git_diff, git_state, keep_diff, read_diff


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True)


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {}


def test_the_commit_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) == {}, "no commit yet"
    (tmp_path / "train.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    clean = git_state(tmp_path)
    assert len(clean["git_commit"]) == 40 and clean["git_dirty"] is False
    (tmp_path / "train.py").write_text("2")
    assert git_state(tmp_path) == {**clean, "git_dirty": True}


@pytest.fixture
def project(tmp_path: Path) -> Any:
    """A job in a project that is a part of its repository."""
    root = tmp_path / "ml"
    for folder in ("jobs", "code", "containers/mine"):
        (root / folder).mkdir(parents=True)
    (root / "cdk.json").write_text('{"context": {"project": "vision"}}')
    definition = (
        '[image]\nfolder = "mine"\n[source]\ndir = "code"\n[program]\nentry = "train.py"\nlauncher = "plain"\n'
        '[compute]\ninstance_type = "ml.m5.xlarge"\n'
    )
    (root / "jobs/one.toml").write_text(definition)
    for name in ("code/train.py", "containers/mine/Dockerfile", "notes.md"):
        (root / name).write_text("first\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return find_project(root)


def test_the_difference_is_that_of_the_files_that_make_the_run(project: Any) -> None:
    job = project.job("one")
    assert git_diff(project, job) == b""
    for name in ("code/train.py", "containers/mine/Dockerfile", "notes.md"):
        (project.root / name).write_text("second\n")
    with (project.root / "jobs/one.toml").open("a") as definition:
        definition.write("count = 2\n")
    found = git_diff(project, job).decode()
    assert {line.split(" b/")[1] for line in found.splitlines() if line.startswith("diff --git")} == {
        "ml/code/train.py",
        "ml/containers/mine/Dockerfile",
        "ml/jobs/one.toml",
    }
    assert "+count = 2" in found


def test_a_difference_of_megabytes_is_cut_and_says_so(project: Any) -> None:
    (project.root / "code/train.py").write_text("x = 1\n" * 400_000)
    found = git_diff(project, project.job("one"))
    assert len(found) < 1_100_000 and found.endswith(b"in the code that was uploaded)\n")


class Bucket:
    """S3 as far as it goes; `refused` is what PutObject answers."""

    def __init__(self, refused: str | None = None) -> None:
        self.refused, self.objects = refused, dict[str, bytes]()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        if self.refused is not None:
            raise ClientError({"Error": {"Code": self.refused, "Message": ""}}, "PutObject")
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


def account(project: Any, s3: Bucket) -> Any:
    return SimpleNamespace(project=project, client=lambda _: s3, artifact_bucket=lambda: "artifacts")


def test_the_difference_lies_beside_the_receipt(project: Any) -> None:
    s3 = Bucket()
    keep_diff(account(project, s3), "20261121-073000-a1b2", project.job("one"))
    assert s3.objects == {}, "nothing differs"
    (project.root / "code/train.py").write_bytes(b"\xff second\n")
    keep_diff(account(project, s3), "20261121-073000-a1b2", project.job("one"))
    assert list(s3.objects) == ["runs/20261121-073000-a1b2/source.diff"]
    assert "second" in str(read_diff(account(project, s3), "20261121-073000-a1b2"))
    assert read_diff(account(project, s3), "20261121-073000-ffff") is None


def test_a_launch_does_not_fail_for_want_of_it(project: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (project.root / "code/train.py").write_text("second\n")
    keep_diff(account(project, Bucket("AccessDenied")), "20261121-073000-a1b2", project.job("one"))
    assert "What differs from the commit is not kept" in capsys.readouterr().err
    with pytest.raises(ClientError):
        keep_diff(account(project, Bucket("NoSuchBucket")), "20261121-073000-a1b2", project.job("one"))
