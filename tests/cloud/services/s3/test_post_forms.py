"""Form posts to S3: what a signed policy allows, and nothing else."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from tests.support.cloud.in_process import Account, account

__all__ = ["account"]

BUCKET = "forms"


@pytest.fixture(scope="module")
def s3(account: Account) -> Any:
    account.client("s3").create_bucket(Bucket=BUCKET)
    return boto3.client("s3", config=Config(signature_version="s3v4"), **account.credentials())


def post(
    url: str, fields: Mapping[str, str], content: bytes = b"hello", *, name: str = "a.txt", after: str = "", **more: str
) -> tuple[int, Any, str]:
    """Post a form as a browser would; `after` is a field behind the file."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    parts += [head.encode(), content, b"\r\n"]
    if after:
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{after}"\r\n\r\nx\r\n'.encode())
    parts.append(f"--{boundary}--\r\n".encode())
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **more}
    request = urllib.request.Request(url, data=b"".join(parts), headers=headers, method="POST")
    try:
        with urllib.request.build_opener(_Stay).open(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Redirects are looked at, not followed."""


def signed(s3: Any, key: str, conditions: Any = None, **fields: str) -> tuple[str, dict[str, str]]:
    conditions = [{name: value} for name, value in fields.items()] if conditions is None else conditions
    made = s3.generate_presigned_post(BUCKET, key, Fields=fields, Conditions=conditions, ExpiresIn=600)
    return made["url"], made["fields"]


def test_a_signed_form_puts_its_file(s3: Any) -> None:
    fields = {"Content-Type": "text/css", "x-amz-meta-who": "me", "Cache-Control": "max-age=1"}
    status, headers, _ = post(*signed(s3, "dir/${filename}", **fields), name="my style.css")
    assert (status, headers["Location"].endswith("/forms/dir/my%20style.css")) == (204, True)
    found = s3.get_object(Bucket=BUCKET, Key="dir/my style.css")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"hello", "text/css", {"who": "me"})
    assert (found["CacheControl"], found["ETag"]) == ("max-age=1", headers["ETag"])


def test_the_answers_that_a_form_may_ask_for(s3: Any) -> None:
    status, _, body = post(*signed(s3, "a & b", success_action_status="201"))
    assert (status, "<Key>a &amp; b</Key>" in body, "<PostResponse>" in body) == (201, True, True)
    assert post(*signed(s3, "two", success_action_status="200"))[0] == 200
    status, headers, _ = post(*signed(s3, "three", success_action_redirect="http://localhost/done"))
    assert status == 303 and headers["Location"].startswith("http://localhost/done?bucket=forms&key=three&etag=")


def test_the_older_signature_that_boto3_makes_in_us_east_1(account: Account, s3: Any) -> None:
    url, fields = signed(boto3.client("s3", **account.credentials()), "old")
    assert "AWSAccessKeyId" in fields
    assert post(url, fields)[0] == 204
    assert post(url, fields | {"signature": "AAAA"})[0] == 403
    assert post(url, fields | {"AWSAccessKeyId": "AKIANOBODY"})[0] == 403


def test_a_large_file_goes_by_disk(s3: Any) -> None:
    content = bytes(range(256)) * 40_000
    assert post(*signed(s3, "large"), content)[0] == 204
    assert s3.get_object(Bucket=BUCKET, Key="large")["Body"].read() == content


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"key": "elsewhere"}, 403, 'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "k"]'),
        ({"x-amz-meta-more": "1"}, 403, "Extra input fields: x-amz-meta-more"),
        ({"x-amz-signature": "0" * 64}, 403, "<Code>SignatureDoesNotMatch</Code>"),
        ({"policy": "e30="}, 403, "<Code>SignatureDoesNotMatch</Code>"),
        ({"x-amz-signature": ""}, 400, "must contain a field named 'X-Amz-Signature'"),
        ({"x-amz-credential": "AKIANOBODY/20260101/us-east-1/s3/aws4_request"}, 400, "do not fit"),
    ],
)
def test_what_was_not_signed_is_refused(s3: Any, change: dict[str, str], status: int, says: str) -> None:
    url, fields = signed(s3, "k")
    code, _, body = post(url, fields | change)
    assert (code, says in body.replace("&quot;", '"')) == (status, True), body


def test_an_unsigned_form_is_refused(s3: Any) -> None:
    url, _ = signed(s3, "k")
    status, _, body = post(url, {"key": "k"})
    assert (status, "<Code>AccessDenied</Code>" in body) == (403, True)


def test_a_page_of_a_browser_is_refused_with_a_good_signature_too(s3: Any) -> None:
    assert post(*signed(s3, "k"), Origin="http://evil.example")[0] == 403


def test_a_policy_that_is_over(s3: Any) -> None:
    made = s3.generate_presigned_post(BUCKET, "k", ExpiresIn=-5)
    status, _, body = post(made["url"], made["fields"])
    assert (status, "Invalid according to Policy: Policy expired." in body) == (403, True)


@pytest.mark.parametrize(
    ("condition", "key", "content", "status", "says"),
    [
        (["starts-with", "$key", "user/"], "user/x", b"12345", 204, ""),
        (["starts-with", "$Content-Type", "image/"], "user/x", b"12345", 403, "starts-with"),
        (["content-length-range", 1, 5], "user/x", b"12345", 204, ""),
        (["content-length-range", 1, 4], "user/x", b"12345", 400, "EntityTooLarge"),
        (["content-length-range", 6, 9], "user/x", b"12345", 400, "EntityTooSmall"),
        ({"bucket": "another"}, "user/x", b"12345", 403, "Policy Condition failed"),
        (["less-than", "$key", "z"], "user/x", b"12345", 400, "InvalidPolicyDocument"),
    ],
)
def test_conditions(s3: Any, condition: Any, key: str, content: bytes, status: int, says: str) -> None:
    url, fields = signed(s3, key, [condition])
    code, _, body = post(url, fields, content)
    assert (code, says in body) == (status, True), body


def test_what_comes_after_the_file_is_ignored_and_a_form_needs_a_file(s3: Any) -> None:
    url, fields = signed(s3, "k")
    assert post(url, fields, after="x-amz-meta-late")[0] == 204
    boundary = "b"
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--{boundary}--\r\n'.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers, method="POST"))
    assert "POST requires exactly one file upload per request." in refused.value.read().decode()


def test_a_form_may_do_what_its_signer_may(account: Account, s3: Any) -> None:
    from embedded.operations import find_admin

    enforce = find_admin("enforce-iam")
    assert enforce is not None
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    role = account.role("poster", "ec2", allow="s3:PutObject", resource="arn:aws:s3:::forms/mine/*")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    account.client("iam").update_assume_role_policy(RoleName="poster", PolicyDocument=document)
    found = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    where = {"endpoint_url": account.endpoint, "region_name": "us-east-1", "aws_session_token": found["SessionToken"]}
    own = boto3.client("s3", config=Config(signature_version="s3v4"), **keys, **where)
    enforce({"on": True})
    try:
        assert post(*signed(own, "mine/x"))[0] == 204
        status, _, body = post(*signed(own, "others/x"))
        assert (status, "<Code>AccessDenied</Code>" in body) == (403, True)
        url, fields = signed(own, "mine/x")
        assert post(url, fields | {"x-amz-security-token": "another"})[0] in (400, 403)
    finally:
        enforce({"on": False})
