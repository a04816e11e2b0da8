"""The embedded ECR is a registry: what docker says to one is answered as OCI's distribution specification says."""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest

from embedded import clients
from embedded.access import guard
from embedded.operations import find_by_path
from tests.support.cloud.in_process import Account, account
from tests.support.cloud.registry_client import MANIFEST, Registry, digest_of, layer_of, manifest_of

__all__ = ["account"]

NAME = "registry/image"
LAYER = layer_of({"/opt/program/run.py": b"print('hello')\n" * 200_000})
CONFIG = {"Env": ["A=1"], "Entrypoint": ["python", "/opt/program/run.py"]}


@pytest.fixture(scope="module")
def ecr(account: Account) -> Any:
    found = account.client("ecr")
    found.create_repository(repositoryName=NAME)
    found.create_repository(repositoryName="registry/fixed", imageTagMutability="IMMUTABLE")
    return found


@pytest.fixture(scope="module")
def registry(ecr: Any) -> Registry:
    return Registry(ecr)


def test_what_is_pushed_is_pulled_byte_for_byte(ecr: Any, registry: Registry) -> None:
    digest = registry.push(NAME, "1", [LAYER], CONFIG)
    by_tag = registry.call("GET", f"/v2/{NAME}/manifests/1", Accept=MANIFEST)
    assert digest_of(by_tag.body) == digest == by_tag.headers["Docker-Content-Digest"]
    assert by_tag.headers["Content-Type"] == MANIFEST
    head = registry.call("HEAD", f"/v2/{NAME}/manifests/{digest}")
    assert (head.status, head.body) == (200, b"")
    blob = registry.call("HEAD", f"/v2/{NAME}/blobs/{LAYER.digest}")
    assert (blob.status, blob.headers["Content-Length"]) == (200, str(len(LAYER.blob)))
    moved = registry.call("GET", f"/v2/{NAME}/blobs/{LAYER.digest}")
    assert moved.status == 307, "as ECR, which answers with an address of S3"
    with urllib.request.urlopen(moved.headers["Location"], timeout=30) as answer:
        assert answer.headers["Content-Length"] == str(len(LAYER.blob))
        assert answer.read() == LAYER.blob
    assert json.loads(registry.call("GET", f"/v2/{NAME}/tags/list").body) == {"name": NAME, "tags": ["1"]}
    (described,) = ecr.describe_images(repositoryName=NAME)["imageDetails"]
    assert (described["imageDigest"], described["imageTags"]) == (digest, ["1"])
    assert registry.push(NAME, "1", [LAYER], CONFIG) == digest, "the same image under the same tag is no error"
    assert registry.push(NAME, "2", [LAYER], CONFIG) == digest


def test_an_index_names_images_by_digest(registry: Registry) -> None:
    """What buildx pushes for a platform and its attestations, and for several platforms."""
    digest = registry.push(NAME, "1", [LAYER], CONFIG)
    child = registry.call("GET", f"/v2/{NAME}/manifests/{digest}")
    kind = "application/vnd.oci.image.index.v1+json"
    index = json.dumps(
        {"schemaVersion": 2, "mediaType": kind, "manifests": [{"digest": digest, "size": len(child.body)}]}
    )
    put = registry.call("PUT", f"/v2/{NAME}/manifests/many", index, Content_Type=kind)
    assert put.status == 201, put
    found = registry.call("GET", f"/v2/{NAME}/manifests/many")
    assert (found.body.decode(), found.headers["Content-Type"]) == (index, kind)
    again = registry.call("PUT", f"/v2/{NAME}/manifests/{digest}", child.body, Content_Type=MANIFEST)
    assert (again.status, again.headers["Docker-Content-Digest"]) == (201, digest)


def test_an_upload_goes_on_where_it_was_and_refuses_gaps(registry: Registry) -> None:
    blob = b"0123456789" * 300_000
    place = registry.call("POST", f"/v2/{NAME}/blobs/uploads/?mount=sha256:{'0' * 64}&from=other").headers["Location"]
    first = registry.call("PATCH", place, blob[:2_000_000], Content_Range="0-1999999")
    assert (first.status, first.headers["Range"]) == (202, "0-1999999")
    status = registry.call("GET", place)
    assert (status.status, status.headers["Range"]) == (204, "0-1999999")
    gap = registry.call("PATCH", place, blob[2_500_000:], Content_Range="2500000-2999999")
    assert (gap.status, gap.code) == (416, "BLOB_UPLOAD_INVALID")
    wrong = registry.call("PUT", f"{place}?digest={digest_of(b'else')}", blob[2_000_000:])
    assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")
    assert registry.call("PUT", f"{place}?digest={digest_of(blob)}").status == 201
    gone = registry.call("GET", place)
    assert (gone.status, gone.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_refusals_have_the_names_of_the_specification(registry: Registry) -> None:
    nowhere = registry.call("POST", "/v2/no/such/blobs/uploads/")
    assert (nowhere.status, nowhere.code) == (404, "NAME_UNKNOWN")
    missing = registry.call("GET", f"/v2/{NAME}/manifests/none")
    assert (missing.status, missing.code) == (404, "MANIFEST_UNKNOWN")
    lost = layer_of({"/lost": b"never pushed"})
    dangling = registry.call(
        "PUT", f"/v2/{NAME}/manifests/dangling", manifest_of(lost.blob, [lost]), Content_Type=MANIFEST
    )
    assert (dangling.status, dangling.code) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert lost.digest.encode() in dangling.body
    odd = registry.call("PUT", f"/v2/{NAME}/manifests/odd", b"[1, 2]", Content_Type=MANIFEST)
    assert (odd.status, odd.code) == (400, "MANIFEST_INVALID")
    for method, path in (("DELETE", f"/v2/{NAME}/manifests/1"), ("GET", "/v2/_catalog"), ("GET", "/v2/x/referrers/y")):
        refused = registry.call(method, path)
        assert (refused.status, refused.code) == (405, "UNSUPPORTED")
        assert f"does not emulate {method} {path}".encode() in refused.body


def test_a_tag_of_an_immutable_repository_stays(registry: Registry) -> None:
    registry.push("registry/fixed", "1", [LAYER], CONFIG)
    other = layer_of({"/other": b"x"})
    registry.push_blob("registry/fixed", other.blob)
    moved = registry.call(
        "PUT", "/v2/registry/fixed/manifests/1", manifest_of(other.blob, [other]), Content_Type=MANIFEST
    )
    assert (moved.status, moved.code) == (400, "TAG_INVALID")


def test_only_a_password_of_this_cloud_opens_it(ecr: Any, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, signature = registry.password.partition(".")
    for password in ("", "guess", f"{text}.{'0' * 64}", f"{text}x.{signature}"):
        refused = registry.with_password(password).call("GET", "/v2/")
        assert (refused.status, refused.code) == (401, "UNAUTHORIZED")
        assert refused.headers["Www-Authenticate"].startswith("Basic realm=")
    assert registry.call("GET", "/v2/").status == 200
    monkeypatch.setattr("embedded.services.ecr.registry.tokens.time.time", lambda: 9e9)
    late = registry.call("GET", "/v2/")
    assert late.status == 401 and b"has expired" in late.body


def test_a_page_of_a_browser_may_not_push(registry: Registry) -> None:
    assert registry.call("GET", "/v2/", Origin="http://evil.example").status == 403
    assert registry.call("GET", "/v2/", Host="evil.example").status == 403


def test_a_role_may_push_no_more_than_its_policies_say(account: Account, ecr: Any) -> None:
    """The password speaks in the name of who got it."""
    iam = account.client("iam")
    iam.create_user(UserName="reader")
    actions = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    theirs = boto3.client(
        "ecr",
        endpoint_url=clients.endpoint(),
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    guard.enforce({"on": True})
    try:
        registry = Registry(theirs)
        assert registry.call("GET", f"/v2/{NAME}/manifests/1").status == 200
        pushing = registry.call("POST", f"/v2/{NAME}/blobs/uploads/")
        assert (pushing.status, pushing.code) == (403, "DENIED")
        assert b"ecr:InitiateLayerUpload" in pushing.body
    finally:
        guard.enforce({"on": False})
    iam.delete_access_key(UserName="reader", AccessKeyId=key["AccessKeyId"])
    gone = registry.call("GET", "/v2/")
    assert gone.status == 401 and b"exists no more" in gone.body


def test_a_signed_request_to_such_a_path_is_for_a_service(registry: Registry) -> None:
    """API Gateway's paths begin with /v2/ as well."""
    asked = {"PATH_INFO": "/v2/apis"}
    assert find_by_path(asked) is not None
    assert find_by_path({**asked, "HTTP_AUTHORIZATION": f"Basic {registry.token}"}) is not None
    assert find_by_path({**asked, "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=test/..."}) is None
    assert find_by_path({**asked, "QUERY_STRING": "X-Amz-Signature=abc"}) is None
