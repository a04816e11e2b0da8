"""A bucket is emptied completely when its stack goes, and never without its tag."""

import json
from typing import Any

import boto3
import pytest

from shardyard.handlers.resources.empty_bucket import index
from tests.support.custom_resources import Context, waiting_for_answers

BUCKET = "data-1"


@pytest.fixture
def s3(moto: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def tag(s3: Any) -> None:
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": index.TAG, "Value": "true"}]})


def fill(s3: Any) -> None:
    for _ in range(2):
        s3.put_object(Bucket=BUCKET, Key="train/a", Body=b"1")
    s3.put_object(Bucket=BUCKET, Key="train/b", Body=b"1")
    s3.delete_object(Bucket=BUCKET, Key="train/b")
    s3.create_multipart_upload(Bucket=BUCKET, Key="train/c")


def left(s3: Any) -> int:
    versions = s3.list_object_versions(Bucket=BUCKET)
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return len(versions.get("Versions", [])) + len(versions.get("DeleteMarkers", [])) + len(uploads)


def test_versions_markers_and_uploads_go_and_the_bucket_can_be_deleted(s3: Any) -> None:
    tag(s3)
    fill(s3)
    assert left(s3) == 5
    index.empty(s3, BUCKET)
    assert left(s3) == 0
    s3.delete_bucket(Bucket=BUCKET)


def test_a_bucket_with_more_than_a_page_is_emptied(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tag(s3)
    for number in range(8):
        s3.put_object(Bucket=BUCKET, Key=f"train/{number}", Body=b"")
    pages = []

    def three_to_a_page(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 3
        pages.append(params)

    s3.meta.events.register("provide-client-params.s3.ListObjectVersions", three_to_a_page)
    index.empty(s3, BUCKET)
    assert len(pages) == 4, "three pages and the empty one"
    assert left(s3) == 0
    assert capsys.readouterr().out.endswith("8 versions and 0 unfinished uploads removed\n")


def test_a_bucket_without_the_tag_stays_as_it_is(s3: Any) -> None:
    fill(s3)
    index.empty(s3, BUCKET)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "other", "Value": "true"}]})
    index.empty(s3, BUCKET)
    assert left(s3) == 5


def test_nothing_new_can_arrive_once_it_is_closed(s3: Any) -> None:
    tag(s3)
    index.empty(s3, BUCKET)
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")


def test_a_bucket_that_is_gone_is_empty(s3: Any) -> None:
    index.empty(s3, "never-there-1")


@pytest.mark.parametrize(("kind", "expected"), [("Create", 5), ("Update", 5), ("Delete", 0)])
def test_only_a_deletion_empties(s3: Any, kind: str, expected: int) -> None:
    tag(s3)
    fill(s3)
    with waiting_for_answers() as answers:
        index.handler(answers.event(kind, {"BucketName": BUCKET}, PhysicalResourceId=BUCKET), Context())
        assert (answers.only["Status"], answers.only["PhysicalResourceId"]) == ("SUCCESS", BUCKET)
    assert left(s3) == expected


def test_an_object_that_cannot_be_deleted_fails_by_name(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tag(s3)
    fill(s3)
    errors = {"Errors": [{"Key": "train/a", "Code": "AccessDenied", "Message": "locked"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: errors)
    with pytest.raises(index.Refused, match="1 objects stay in data-1; train/a: AccessDenied locked"):
        index.empty(s3, BUCKET)
