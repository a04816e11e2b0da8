"""Signatures are verified as botocore makes them and as AWS's worked examples print them."""

import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import auth, awsrequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from embedded.access.signatures import version2, version4
from embedded.access.signatures.bodies import checked_body
from embedded.access.signatures.version4 import Fault, HttpRequest, SignatureFault

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
WORKED = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)


def wire(request: Any, body: bytes = b"") -> HttpRequest:
    """What a server sees of a prepared botocore request."""
    parts = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    return HttpRequest(
        method=request.method,
        raw_path=parts.path,
        raw_query=parts.query,
        headers={"host": parts.netloc, **headers},
        body_sha256=hashlib.sha256(body).hexdigest(),
    )


def signed(
    signer: Any,
    *,
    url: str,
    method: str = "GET",
    body: bytes = b"",
    service: str = "sts",
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    secret: str = SECRET,
    token: str | None = None,
    **options: Any,
) -> HttpRequest:
    request = awsrequest.AWSRequest(method=method, url=url, data=body, headers=headers or {}, params=params or {})
    signer(Credentials(KEY, secret, token), service, "us-east-1", **options).add_auth(request)
    return wire(request.prepare(), body)


def fault_of(request: HttpRequest, secret: str = SECRET, now: dt.datetime | None = None) -> Fault:
    with pytest.raises(SignatureFault) as raised:
        version4.verify(request, version4.read(request), secret, now=now)
    return raised.value.fault


def holds(request: HttpRequest, secret: str = SECRET) -> None:
    version4.verify(request, version4.read(request), secret)


@pytest.mark.parametrize(
    ("service", "path"),
    [("sts", "/"), ("lambda", "/2015-03-31/functions/a%3Ab/invocations"), ("iam", "/a//b/./c/../d"), ("eks", "/a b")],
)
def test_signatures_of_headers_hold(service: str, path: str) -> None:
    holds(signed(auth.SigV4Auth, url=f"http://localhost:4566{path}", method="POST", body=b"Action=X", service=service))


def test_a_signature_of_s3_takes_the_path_as_it_is_sent() -> None:
    holds(signed(auth.S3SigV4Auth, url="http://localhost:4566/b/a%20b/../%C3%A4//c", service="s3"))


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(st.dictionaries(text.filter(bool), text, max_size=4), st.binary(max_size=40))
def test_any_query_and_body_hold(params: dict[str, str], body: bytes) -> None:
    request = signed(auth.SigV4Auth, url="http://localhost/x", method="POST", params=params, body=body)
    holds(request)
    assert fault_of(request, secret="another") is Fault.MISMATCH


@pytest.mark.parametrize("change", ["method", "raw_path", "raw_query", "body_sha256", "header"])
def test_whatever_is_changed_on_the_way_is_noticed(change: str) -> None:
    request = signed(auth.SigV4Auth, url="http://localhost/?a=1", method="POST", body=b"b")
    holds(request)
    values = {name: getattr(request, name) for name in ("method", "raw_path", "raw_query", "headers", "body_sha256")}
    if change == "header":
        values["headers"] = {**values["headers"], "host": "elsewhere"}
    else:
        values[change] += "x"
    assert fault_of(HttpRequest(**values)) is Fault.MISMATCH


def test_a_header_that_changes_the_meaning_must_be_signed() -> None:
    request = signed(auth.S3SigV4Auth, url="http://localhost/b/k", method="PUT", service="s3")
    added = HttpRequest(
        method="PUT",
        raw_path=request.raw_path,
        raw_query="",
        headers={**request.headers, "x-amz-acl": "public-read"},
    )
    with pytest.raises(SignatureFault, match="not signed: x-amz-acl"):
        holds(added)


def test_the_clock_may_differ_by_fifteen_minutes() -> None:
    request = signed(auth.SigV4Auth, url="http://localhost/")
    made = version4.read(request).time
    for minutes in (-14, 14):
        version4.verify(request, version4.read(request), SECRET, now=made + dt.timedelta(minutes=minutes))
    for minutes in (-16, 16):
        assert fault_of(request, now=made + dt.timedelta(minutes=minutes)) is Fault.SKEWED


@pytest.mark.parametrize("token", [None, "a/token+with=signs"])
def test_a_link_holds_until_it_expires(token: str | None) -> None:
    link = signed(auth.S3SigV4QueryAuth, url="http://localhost/b/a%20key", service="s3", token=token, expires=60)
    holds(link)
    read = version4.read(link)
    assert (read.access_key, read.token, read.expires_seconds) == (KEY, token, 60)
    assert fault_of(link, now=read.time + dt.timedelta(seconds=61)) is Fault.EXPIRED_LINK


@pytest.mark.parametrize("expires", ["0", "604801", "soon", "-1"])
def test_a_link_must_say_how_long_it_holds(expires: str) -> None:
    link = signed(auth.S3SigV4QueryAuth, url="http://localhost/b/k", service="s3", expires=60)
    changed = HttpRequest(
        method="GET",
        raw_path=link.raw_path,
        raw_query=link.raw_query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}"),
        headers=link.headers,
    )
    assert fault_of(changed) is Fault.INCOMPLETE


def test_a_link_of_the_old_form_holds_until_it_expires() -> None:
    request = awsrequest.AWSRequest(method="GET", url="http://localhost/b/k?versionId=3&x-id=GetObject")
    auth.HmacV1QueryAuth(Credentials(KEY, SECRET, "token"), expires=60).add_auth(request)
    link = wire(request.prepare())
    read = version2.read_old(link)
    assert read is not None and (read.access_key, read.token) == (KEY, "token")
    version2.verify_old(link, read, SECRET)
    for secret, late, fault in (("another", 0, Fault.MISMATCH), (SECRET, 62, Fault.EXPIRED_LINK)):
        with pytest.raises(SignatureFault) as raised:
            version2.verify_old(link, read, secret, now=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=late))
        assert raised.value.fault is fault


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({}, Fault.MISSING),
        ({"authorization": "Basic dGVzdA=="}, Fault.INCOMPLETE),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request"}, Fault.INCOMPLETE),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
                "x-amz-date": "20260101T000000Z",
            },
            Fault.INCOMPLETE,
        ),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request,SignedHeaders=a,Signature=0"},
            Fault.INCOMPLETE,
        ),
    ],
)
def test_what_cannot_be_read_is_named(headers: dict[str, str], fault: Fault) -> None:
    assert fault_of(HttpRequest(method="GET", raw_path="/", raw_query="", headers=headers)) is fault


def worked_example(*, signature: str, headers: dict[str, str], names: str, **fields: str) -> HttpRequest:
    credential = f"{KEY}/20130524/us-east-1/s3/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}"
    return HttpRequest(
        **{"method": "GET", "raw_path": "/", "raw_query": "", **fields},  # type: ignore[arg-type]
        headers={
            "host": "examplebucket.s3.amazonaws.com",
            "x-amz-date": "20130524T000000Z",
            "authorization": authorization,
            **headers,
        },
    )


def test_aws_worked_example_of_get_object() -> None:
    request = worked_example(
        signature="f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        names="host;range;x-amz-content-sha256;x-amz-date",
        raw_path="/test.txt",
        headers={"range": "bytes=0-9", "x-amz-content-sha256": version4.EMPTY_SHA256},
    )
    version4.verify(request, version4.read(request), SECRET, now=WORKED)


def test_aws_worked_example_of_list_objects() -> None:
    request = worked_example(
        signature="34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        names="host;x-amz-content-sha256;x-amz-date",
        raw_query="max-keys=2&prefix=J",
        headers={"x-amz-content-sha256": version4.EMPTY_SHA256},
    )
    version4.verify(request, version4.read(request), SECRET, now=WORKED)


def test_aws_worked_example_of_a_link() -> None:
    request = HttpRequest(
        method="GET",
        raw_path="/test.txt",
        raw_query=f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        headers={"host": "examplebucket.s3.amazonaws.com"},
    )
    version4.verify(request, version4.read(request), SECRET, now=WORKED)


def chunks() -> Iterator[bytes]:
    """AWS's worked example of a chunked upload: 65 KiB, 1 KiB and the last, empty chunk."""
    for size, signature in (
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ):
        yield f"{size:x};chunk-signature={signature}\r\n".encode() + b"a" * size + b"\r\n"


def chunked_upload() -> HttpRequest:
    return worked_example(
        signature="4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        names="content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
        "x-amz-storage-class",
        method="PUT",
        raw_path="/examplebucket/chunkObject.txt",
        headers={
            "host": "s3.amazonaws.com",
            "content-encoding": "aws-chunked",
            "content-length": "66824",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
            "x-amz-decoded-content-length": "66560",
            "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        },
    )


def read_all(body: bytes, piece: int) -> bytes:
    request = chunked_upload()
    signature = version4.read(request)
    version4.verify(request, signature, SECRET, now=WORKED)
    stream = checked_body(
        io.BytesIO(body),
        length=len(body),
        said=request.headers["x-amz-content-sha256"],
        signature=signature,
        secret=SECRET,
    )
    assert stream is not None
    return b"".join(iter(lambda: stream.read(piece), b""))


@pytest.mark.parametrize("piece", [1000, 66824, 7])
def test_aws_worked_example_of_a_chunked_upload(piece: int) -> None:
    body = b"".join(chunks())
    assert read_all(body, piece) == body


@pytest.mark.parametrize("spoil", ["data", "signature", "cut", "more"])
def test_a_spoilt_chunk_is_noticed(spoil: str) -> None:
    body = b"".join(chunks())
    spoilt = {
        "data": body[:70_00] + b"b" + body[70_01:],
        "signature": body.replace(b"ad80", b"ad81", 1),
        "cut": body[: body.rindex(b"0;chunk")],
        "more": body + b"1;chunk-signature=" + b"0" * 64 + b"\r\na\r\n",
    }[spoil]
    with pytest.raises(SignatureFault):
        read_all(spoilt, 4096)


@pytest.mark.parametrize("body", [b"", b"what was signed"])
def test_a_body_is_held_against_its_hash(body: bytes) -> None:
    request = signed(auth.S3SigV4Auth, url="http://localhost/b/k", method="PUT", body=body, service="s3")
    signature, said = version4.read(request), request.headers["x-amz-content-sha256"]

    def read(sent: bytes) -> bytes:
        stream = checked_body(io.BytesIO(sent), length=len(sent), said=said, signature=signature, secret=SECRET)
        assert stream is not None
        return stream.read()

    assert read(body) == body
    with pytest.raises(SignatureFault) as raised:
        read(b"what was sent instead")
    assert raised.value.fault is Fault.PAYLOAD
