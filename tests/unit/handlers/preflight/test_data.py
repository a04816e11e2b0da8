"""Preflight on data: empty channels, the instances' shares, manifests."""

import json

from tests.support.fakes.fake_aws import FakeAws
from tests.support.preflights import launch, refused


def test_an_empty_channel_is_refused(aws: FakeAws) -> None:
    said = refused(launch(aws, channels={"train": {"s3": "digits/"}}))
    assert said == "channels.train: there are no objects under s3://data/digits/; put data there, or correct the prefix"


def test_fewer_objects_than_instances_cannot_be_sharded(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 1
    said = refused(launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}}))
    assert said.startswith("channels.train") and "1" in said and "2" in said


def test_the_balance_of_a_sharded_channel_is_reported(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 5
    answer = launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}})
    assert answer["plan"]["data"][0]["objects_per_instance"] == (2, 3)
    assert answer["plan"]["notes"][0] == (
        "train: 5 objects, 2 to 3 per instance; uneven: 200 to 300 bytes, "
        "and the others wait for the instance with the most"
    )


def test_counting_stops_at_ten_thousand(aws: FakeAws) -> None:
    aws.counted["data/digits/"] = 25_000
    answer = launch(aws, channels={"train": {"s3": "digits/", "distribution": "ShardedByS3Key"}})
    assert (answer["plan"]["data"][0]["count"], answer["plan"]["data"][0]["at_least"]) == (10_000, True)
    assert answer["plan"]["notes"][0].startswith("train: at least 10000 objects, 5000 to 5000 per instance")
    assert aws.calls.count("s3.list_objects_v2") == 10


def test_a_manifest_is_counted_by_its_entries(aws: FakeAws) -> None:
    aws.objects["data"] = {"list.manifest": json.dumps([{"prefix": "s3://data/"}, "a", "b", "c"]).encode()}
    channel = {"s3": "list.manifest", "type": "ManifestFile", "distribution": "ShardedByS3Key"}
    assert launch(aws, channels={"train": channel})["plan"]["data"][0]["count"] == 3
