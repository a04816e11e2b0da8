"""Nobody gets in but who signs with a secret that this cloud gave, and no page of a browser gets in at all."""

import hashlib
import json
import stat
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import auth, awsrequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from embedded import lifecycle
from embedded.process.running import SECRET_FILE, SECRET_HEADER
from tests.cloud.conftest import REGION, Cloud
from tests.support.cloud.in_process import policy

TRUST = policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})


def http(cloud: Cloud, path: str = "/", *, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
    """The status and the body of a request as it stands."""
    # urllib would call any body a form, and what is read as a form is no object
    plain = {} if body is None else {"Content-Type": "text/plain"}
    given = plain | {name.replace("_", "-"): value for name, value in headers.items()}
    url = path if path.startswith("http") else f"http://127.0.0.1:{cloud.state.port}{path}"
    request = urllib.request.Request(url, data=body, headers=given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def stranger(cloud: Cloud, service: str, *, key: str = "test", secret: str = "test", token: str | None = None) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


CALLS = {
    "cloudformation": lambda client: client.list_stacks(),
    "ec2": lambda client: client.describe_vpcs(),
    "iam": lambda client: client.list_roles(),
    "lambda": lambda client: client.list_functions(),
    "s3": lambda client: client.list_buckets(),
    "sagemaker": lambda client: client.list_training_jobs(),
    "sts": lambda client: client.get_caller_identity(),
}
WRONG_SECRET = {
    "cloudformation": ("SignatureDoesNotMatch", 403),
    "ec2": ("AuthFailure", 401),
    "iam": ("SignatureDoesNotMatch", 403),
    "lambda": ("InvalidSignatureException", 403),
    "s3": ("SignatureDoesNotMatch", 403),
    "sagemaker": ("InvalidSignatureException", 400),
    "sts": ("SignatureDoesNotMatch", 403),
}
UNKNOWN_KEY = {
    "cloudformation": ("InvalidClientTokenId", 403),
    "ec2": ("AuthFailure", 401),
    "iam": ("InvalidClientTokenId", 403),
    "lambda": ("UnrecognizedClientException", 403),
    "s3": ("InvalidAccessKeyId", 403),
    "sagemaker": ("UnrecognizedClientException", 400),
    "sts": ("InvalidClientTokenId", 403),
}


def refusal(call: Any, client: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(client)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("service", CALLS)
def test_a_key_without_its_secret_is_nothing(cloud: Cloud, service: str) -> None:
    assert refusal(CALLS[service], stranger(cloud, service)) == WRONG_SECRET[service]
    assert refusal(CALLS[service], stranger(cloud, service, key="AKIAIOSFODNN7EXAMPLE")) == UNKNOWN_KEY[service]
    CALLS[service](stranger(cloud, service, secret=cloud.state.secret))


def test_the_refusal_says_where_the_secret_is(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"yard cloud env"):
        stranger(cloud, "sts").get_caller_identity()


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"Action=GetCallerIdentity&Version=2011-06-15", {}, "MissingAuthenticationToken"),
        (b"{}", {"X_Amz_Target": "SageMaker.ListTrainingJobs"}, "MissingAuthenticationTokenException"),
    ],
)
def test_an_unsigned_request_is_answered_as_on_aws(
    cloud: Cloud, body: bytes, headers: dict[str, str], code: str
) -> None:
    status, said, _ = http(cloud, method="POST", body=body, **headers)
    assert status in (400, 403)
    assert code in said.decode()


def test_a_form_of_a_web_page_that_names_a_key_in_its_address_runs_nothing(cloud: Cloud) -> None:
    scope = "X-Amz-Credential=test/20261128/us-east-1/cloudformation/aws4_request"
    body = urllib.parse.urlencode({"Action": "CreateStack", "StackName": "evil", "TemplateBody": "{}"}).encode()
    status, _, _ = http(cloud, f"/?{scope}", method="POST", body=body, Content_Type="application/x-www-form-urlencoded")
    assert status == 400
    assert "evil" not in [
        stack["StackName"] for stack in cloud.client("cloudformation").list_stacks()["StackSummaries"]
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8888"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "evil.example:4566"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/_yard/status"])
def test_no_page_and_no_foreign_name_is_answered(cloud: Cloud, path: str, headers: dict[str, str]) -> None:
    given = {**headers, SECRET_HEADER.replace("-", "_"): cloud.state.secret}
    status, said, answered = http(cloud, path, method="POST", body=b"{}", **given)
    assert status == 403
    assert "embedded cloud does not answer" in json.loads(said)["error"]
    assert "Access-Control-Allow-Origin" not in answered


@pytest.mark.parametrize("host", ["localhost", "bucket.s3.localhost", "127.0.0.1", "[::1]", "10.77.0.1"])
def test_the_names_of_this_machine_are_answered(cloud: Cloud, host: str) -> None:
    status, said, _ = http(cloud, Host=f"{host}:{cloud.state.port}")
    assert (status, b"does not answer" in said) == (403, False)


def test_a_preflight_of_a_browser_gets_no_leave(cloud: Cloud) -> None:
    status, _, headers = http(
        cloud, method="OPTIONS", Origin="http://evil.example", Access_Control_Request_Method="POST"
    )
    assert status == 403
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_the_admin_interface_takes_a_post_with_the_secret_alone(cloud: Cloud) -> None:
    secret = {SECRET_HEADER.replace("-", "_"): cloud.state.secret}
    assert http(cloud, "/_yard/status", method="POST", body=b"{}", **secret)[0] == 200
    assert http(cloud, "/_yard/status", **secret)[0] == 405
    for wrong in ({}, {"X_Yard_Secret": "wrong"}, {"X_Yard_Secret": "\xe4"}):
        assert http(cloud, "/_yard/status", method="POST", body=b"{}", **wrong)[0] == 403


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/data.json", "/moto-api/reset"])
def test_motos_own_pages_are_off(cloud: Cloud, path: str) -> None:
    for method in ("GET", "POST"):
        assert http(cloud, path, method=method)[0] == 404


def test_the_secret_is_the_owners_alone_and_outlives_a_restart(tmp_path: Any) -> None:
    folder = tmp_path / "cloud"
    first = lifecycle.up(folder)
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / SECRET_FILE).stat().st_mode) == 0o600
        assert len(first.secret) >= 40
        assert lifecycle.reset(folder).secret == first.secret
    finally:
        lifecycle.down(folder)


def test_a_session_needs_its_token_and_dies_with_its_role(cloud: Cloud) -> None:
    iam, name = cloud.client("iam"), "authentication-session"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
    given = {"key": keys["AccessKeyId"], "secret": keys["SecretAccessKey"]}
    session = stranger(cloud, "sts", **given, token=keys["SessionToken"])
    assert session.get_caller_identity()["Arn"].endswith(f"assumed-role/{name}/one")
    for token in (None, "another"):
        assert refusal(CALLS["sts"], stranger(cloud, "sts", **given, token=token))[0] == "InvalidClientTokenId"
    iam.delete_role(RoleName=name)
    assert refusal(CALLS["sts"], session)[0] == "InvalidClientTokenId"


def test_a_user_signs_with_a_key_of_its_own(cloud: Cloud) -> None:
    iam, name = cloud.client("iam"), "authentication-user"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    user = stranger(cloud, "sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert user.get_caller_identity()["Arn"].endswith(f"user/{name}")
    assert refusal(CALLS["sts"], stranger(cloud, "sts", key=key["AccessKeyId"]))[0] == "SignatureDoesNotMatch"


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> Iterator[str]:
    name = "authentication"
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_object(Bucket=name, Key="a key/ä", Body=b"kept")
    yield name


def test_a_link_is_answered_as_it_stands_until_it_is_changed(cloud: Cloud, bucket: str) -> None:
    for version in ("s3v4", "s3"):
        s3 = boto3.client(
            "s3",
            region_name=REGION,
            endpoint_url=cloud.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key=cloud.state.secret,
            config=Config(signature_version=version, s3={"addressing_style": "path"}),
        )
        link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a key/ä"}, ExpiresIn=60)
        assert http(cloud, link)[:2] == (200, b"kept")
        status, said, _ = http(cloud, link.replace("a%20key", "b%20key"))
        assert (status, b"SignatureDoesNotMatch" in said) == (403, True)


def signed_put(cloud: Cloud, path: str, body: bytes) -> dict[str, str]:
    """The headers that sign a PUT of this body."""
    url = f"http://127.0.0.1:{cloud.state.port}{path}"
    request = awsrequest.AWSRequest(method="PUT", url=url, data=body)
    auth.S3SigV4Auth(Credentials("test", cloud.state.secret), "s3", REGION).add_auth(request)
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


def test_a_body_that_was_not_signed_is_not_kept(cloud: Cloud, bucket: str) -> None:
    path = f"/{bucket}/body"
    headers = signed_put(cloud, path, b"what was signed")
    status, said, _ = http(cloud, path, method="PUT", body=b"what was sent!!", **headers)
    assert (status, b"XAmzContentSHA256Mismatch" in said) == (400, True)
    with pytest.raises(ClientError, match="404"):
        cloud.client("s3").head_object(Bucket=bucket, Key="body")
    assert http(cloud, path, method="PUT", body=b"what was signed", **headers)[0] == 200
    kept = cloud.client("s3").get_object(Bucket=bucket, Key="body")["Body"].read()
    assert hashlib.sha256(kept).digest() == hashlib.sha256(b"what was signed").digest()


def test_a_large_body_that_a_client_compresses_is_the_one_that_was_signed(cloud: Cloud) -> None:
    data = [{"MetricName": f"metric-{number}", "Value": 1.0} for number in range(900)]
    cloud.client("cloudwatch").put_metric_data(Namespace="compressed", MetricData=data)
    pages = cloud.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace="compressed")
    assert len([metric for page in pages for metric in page["Metrics"]]) == 900


def test_nobody_reads_an_object_unless_its_bucket_says_so(cloud: Cloud, bucket: str) -> None:
    path = f"/{bucket}/a%20key/{urllib.parse.quote('ä')}"
    status, said, _ = http(cloud, path)
    assert (status, b"AccessDenied" in said) == (403, True)
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(public))
    assert http(cloud, path)[:2] == (200, b"kept")
    assert http(cloud, path, method="PUT", body=b"x")[0] == 403
    for closed in (f"/{bucket}", f"/{bucket}?policy", f"/{bucket}?tagging", f"/{bucket}?uploads", "/"):
        assert http(cloud, closed)[0] == 403, closed
    assert http(cloud, f"/{bucket}", method="DELETE")[0] == 403
