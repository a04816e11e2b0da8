"""The archive that the official SDK's tuner names: fetched, unpacked, and refused where it leads out of its folder."""

import io
import tarfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from training.submitted import Unusable, fetch


def archive(**files: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as made:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            made.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """S3, as far as it goes."""
    found: dict[str, bytes] = {}

    class Bucket:
        def download_fileobj(self, bucket: str, key: str, file: Any) -> None:
            if f"{bucket}/{key}" not in found:
                raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
            file.write(found[f"{bucket}/{key}"])

    monkeypatch.setattr(boto3, "client", lambda *_, **__: Bucket())
    return found


def test_the_code_is_where_the_program_is_looked_for(objects: dict[str, bytes], tmp_path: Path) -> None:
    objects["b/in/sourcedir.tar.gz"] = archive(**{"train.py": "print(1)", "sub/more.py": "x"})
    assert fetch("s3://b/in/sourcedir.tar.gz", tmp_path / "code") == tmp_path / "code"
    assert (tmp_path / "code" / "train.py").read_text() == "print(1)"
    assert (tmp_path / "code" / "sub" / "more.py").is_file()


@pytest.mark.parametrize(
    ("uri", "content", "said"),
    [
        ("s3://b/code.zip", None, "and not the address of a .tar.gz"),
        ("s3://b/none.tar.gz", None, "cannot be fetched: .*Not Found"),
        ("s3://b/bad.tar.gz", b"no archive", "cannot be unpacked"),
        ("s3://b/out.tar.gz", archive(**{"../out.py": "x"}), "leads out of"),
        ("s3://b/root.tar.gz", archive(**{"/etc/passwd": "x"}), "leads out of"),
    ],
    ids=["no archive's address", "none there", "no archive", "a name that leads out", "a name from the root"],
)
def test_what_is_of_no_use_is_said(
    objects: dict[str, bytes], tmp_path: Path, uri: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        objects[uri.removeprefix("s3://")] = content
    with pytest.raises(Unusable, match=said):
        fetch(uri, tmp_path / "code")
    assert not (tmp_path / "out.py").exists()
