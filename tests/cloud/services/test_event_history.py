"""CloudTrail's event history on the embedded cloud: who changed what, and what is no one's business in it."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded.access import guard
from embedded.access.sessions import service_session
from tests.support.cloud.in_process import Account, account

__all__ = ["account"]


def found(trail: Any, key: str, value: str) -> list[dict[str, Any]]:
    answer = trail.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])
    return [json.loads(event["CloudTrailEvent"]) for event in answer["Events"]]


def test_a_change_is_kept_with_its_caller_and_without_its_secrets(account: Account) -> None:
    account.client("ssm").put_parameter(Name="kept-1", Value="nobody's", Type="SecureString")
    event = found(account.client("cloudtrail"), "EventName", "PutParameter")[0]
    assert (event["eventSource"], event["userIdentity"]["type"]) == ("ssm.amazonaws.com", "Root")
    assert event["requestParameters"]["name"] == "kept-1"
    assert event["responseElements"]["version"] == 1
    assert "nobody's" not in json.dumps(event)


def test_a_role_is_named_with_its_session_also_where_it_was_refused(account: Account) -> None:
    role = account.role("reads-history", "lambda", allow="cloudtrail:LookupEvents")
    keys = service_session(role, service="lambda.amazonaws.com", session_name="ann")
    names = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
    given = account.credentials() | names | {"aws_session_token": keys.token}
    guard.enforce({"on": True})
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            boto3.client("sqs", **given).create_queue(QueueName="not-mine")
    finally:
        guard.enforce({"on": False})
    event = found(boto3.client("cloudtrail", **given), "Username", "ann")[0]
    assert event["eventName"] == "CreateQueue"
    identity = event["userIdentity"]
    assert (identity["type"], identity["sessionContext"]["sessionIssuer"]["userName"]) == (
        "AssumedRole",
        "reads-history",
    )
    assert event["errorCode"].startswith("AccessDenied")
    assert event["responseElements"] is None


def test_reads_and_what_is_in_resources_are_left_out(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="history-of-buckets")
    s3.put_object(Bucket="history-of-buckets", Key="k", Body=b"x")
    s3.list_objects_v2(Bucket="history-of-buckets")
    trail = account.client("cloudtrail")
    names = [event["EventName"] for event in trail.lookup_events(MaxResults=50)["Events"]]
    assert "CreateBucket" in names
    assert not {"PutObject", "ListObjectsV2", "LookupEvents"} & set(names)


def test_pages_go_on_where_they_ended(account: Account) -> None:
    ssm, trail = account.client("ssm"), account.client("cloudtrail")
    for number in range(5):
        ssm.put_parameter(Name=f"page-{number}", Value="x", Type="String")
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "PutParameter"}]
    first = trail.lookup_events(LookupAttributes=attributes, MaxResults=2)
    ssm.put_parameter(Name="page-later", Value="x", Type="String")
    second = trail.lookup_events(LookupAttributes=attributes, MaxResults=2, NextToken=first["NextToken"])
    told = [json.loads(event["CloudTrailEvent"]) for event in (*first["Events"], *second["Events"])]
    assert [event["requestParameters"]["name"] for event in told] == ["page-4", "page-3", "page-2", "page-1"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"NextToken": "bm9uZQ=="}, "InvalidNextTokenException"),
        ({"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": "x"}]}, "NotImplemented"),
        ({"EventCategory": "insight"}, "NotImplemented"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
    ],
)
def test_a_search_that_cannot_be_answered_says_so(account: Account, query: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        account.client("cloudtrail").lookup_events(**query)
    assert refused.value.response["Error"]["Code"] == code
