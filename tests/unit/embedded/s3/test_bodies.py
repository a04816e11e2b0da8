"""Bodies as pieces of files: what is read of them, what they share, and when their files go."""

import base64
import copy
import hashlib
import io
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.core.request import Request

from embedded.operations import ServiceError
from embedded.services.s3.bodies import arrivals, checksums, files
from embedded.services.s3.bodies.files import Body


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("YARD_CLOUD_FOLDER", str(tmp_path))
    yield tmp_path / "objects"


def test_a_range_of_a_joined_body_is_that_range_of_its_bytes() -> None:
    parts = [b"0123", b"", b"456", b"789"]
    whole = Body.joined(Body.of(part) for part in parts)
    assert (len(whole), bytes(whole)) == (10, b"0123456789")
    for begin in range(11):
        for end in range(begin, 12):
            assert bytes(whole[begin:end]) == b"0123456789"[begin:end]
    assert bytes(whole[2:9][1:5]) == b"3456"


def test_a_file_goes_with_the_last_body_that_needs_it(folder: Path) -> None:
    body = Body.of(b"0123456789")
    part, same = body[3:6], copy.deepcopy(body)
    del body, same
    assert bytes(part) == b"345"
    assert len(list(folder.iterdir())) == 1
    del part
    assert list(folder.iterdir()) == []


def test_nobody_but_the_owner_reads_a_body(folder: Path) -> None:
    body = Body.of(b"x")
    assert body.pieces[0].file.path.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_a_file_that_somebody_cut_short_is_an_error() -> None:
    body = Body.of(b"0123456789")
    body.pieces[0].file.path.write_bytes(b"0123")
    with pytest.raises(OSError, match="cut short"):
        bytes(body)


def request(body: bytes, **headers: str) -> Request:
    return Request.from_values(
        method="PUT", path="/b/k", input_stream=io.BytesIO(body), content_length=len(body), headers=headers
    )


def arrived(body: bytes, **headers: str) -> tuple[Body, dict[str, Any]]:
    sent = request(body, **headers)
    arrivals.take(sent)
    return sent.environ[arrivals.BODY], sent.environ


def test_a_body_arrives_in_its_file_and_moto_finds_none() -> None:
    data = bytes(range(256)) * 9000
    body, environ = arrived(data)
    assert bytes(body) == data
    assert body.find_md5() == hashlib.md5(data).hexdigest()
    assert environ["wsgi.input"].read() == b""
    assert environ["CONTENT_LENGTH"] == "0"


def test_a_framed_body_is_unframed_and_its_trailer_is_its_checksum() -> None:
    said = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode()
    framed = b"6\r\nhello \r\n5;chunk-signature=00\r\nworld\r\n0\r\nx-amz-checksum-crc32:" + said.encode() + b"\r\n\r\n"
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "11",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    body, environ = arrived(framed, **headers)
    assert bytes(body) == b"hello world"
    assert body.find_checksum("CRC32") == environ["HTTP_X_AMZ_CHECKSUM_CRC32"] == said


@pytest.mark.parametrize(
    ("framed", "length"),
    [(b"6\r\nhel", "6"), (b"6\r\nhello \r\n0\r\n\r\n", "7"), (b"", "0"), (b"no number\r\n", "0")],
)
def test_a_framed_body_that_ends_early_is_refused_and_leaves_no_file(folder: Path, framed: bytes, length: str) -> None:
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": length,
    }
    with pytest.raises(ServiceError) as caught:
        arrived(framed, **headers)
    assert caught.value.code == "IncompleteBody"
    caught.value.__traceback__ = None
    del caught
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Content-MD5", base64.b64encode(hashlib.md5(b"other").digest()).decode(), "BadDigest"),
        ("Content-MD5", "no digest", "InvalidDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-sha256", base64.b64encode(bytes(32)).decode(), "BadDigest"),
    ],
)
def test_a_body_that_is_not_what_its_checksum_says_is_refused(header: str, value: str, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        arrived(b"hello", **{header: value})
    assert caught.value.code == code


def test_a_checksum_that_only_the_client_computes_is_believed() -> None:
    body, environ = arrived(b"hello", **{"x-amz-checksum-crc64nvme": "M3eFcAZSQlc="})
    assert body.find_checksum("CRC64NVME") == "M3eFcAZSQlc="
    assert environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] == "CRC64NVME"
    _, without = arrived(b"hello", **{"x-amz-sdk-checksum-algorithm": "CRC64NVME"})
    assert "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM" not in without


def test_the_composite_of_crc32c_is_castagnolis() -> None:
    # RFC 3720, B.4: 32 bytes of zeros
    zeros = base64.b64encode(bytes(4)).decode()
    assert checksums.of_checksums([zeros] * 8, "CRC32C") == base64.b64encode(bytes.fromhex("8a9136aa")).decode()


def test_bodies_of_one_file_share_it_after_they_were_kept(folder: Path) -> None:
    body = Body.of(b"0123456789")
    kept = pickle.dumps([body[:4], body[4:]])
    first, second = pickle.loads(kept)
    assert bytes(first) + bytes(second) == b"0123456789"
    del body, first
    assert bytes(second) == b"456789"
    assert files.folder() == folder
