"""A job's channels and checkpoints, also in buckets that only the deploy knows."""

import json
from dataclasses import replace

import pytest
from aws_cdk import aws_s3 as s3

from shardyard.foundation.storage import Storage
from shardyard.jobs.training_job import TrainingJob
from shardyard.spec.jobs.data import Channel
from tests.support.training_stack import (
    VISION,
    build,
    definition,
    job,
    of_type,
    only,
    own_stack,
    read,
    statements,
    written,
)


def test_a_channel_can_be_added() -> None:
    app, stacks = build([job()])
    stacks["training"].jobs[0].add_channel("more", Channel(s3="more/"))
    template = read(app)
    assert "more" in definition(template)["States"]["Preflight"]["Parameters"]["Payload"]["definition"]["channels"]
    assert "/more/*" in json.dumps(of_type(template, "AWS::IAM::ManagedPolicy"))


def test_a_channel_may_lie_in_a_bucket_of_the_same_app() -> None:
    app, stacks = build([job()])
    stack = stacks["training"]
    bucket = s3.Bucket(stack, "Team")
    stack.jobs[0].add_channel("more", Channel(s3=f"s3://{bucket.bucket_name}/more/"))
    template = read(app)
    (name,) = of_type(template, "AWS::S3::Bucket")
    channels = definition(template)["States"]["Preflight"]["Parameters"]["Payload"]["definition"]["channels"]
    assert channels["more"]["s3"] == "${Channel0}"
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Channel0"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/more/"]]}
    readers = [key for key, p in of_type(template, "AWS::IAM::ManagedPolicy").items() if f'"{name}"' in json.dumps(p)]
    assert sorted(key[:16] for key in readers) == ["RuntimePreflight", readers[1][:16]]
    assert readers[1].startswith("tinyPolicy")


def test_a_channel_in_a_bucket_that_is_given_brings_the_buckets_key() -> None:
    app, stacks = build([job()])
    stack = stacks["training"]
    bucket = s3.Bucket(stack, "Team", encryption=s3.BucketEncryption.KMS)
    stack.jobs[0].add_channel("more", Channel(s3="more/"), bucket=bucket)
    template = read(app)
    (name,), (key,) = of_type(template, "AWS::S3::Bucket"), of_type(template, "AWS::KMS::Key")
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Channel0"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/more/"]]}
    users = [
        logical_id
        for logical_id, one in of_type(template, "AWS::IAM::ManagedPolicy").items()
        if any("kms:Decrypt" in s["Action"] and f'"{key}", "Arn"' in json.dumps(s["Resource"]) for s in statements(one))
    ]
    assert [one.rstrip("0123456789ABCDEF") for one in sorted(users)] == ["RuntimePreflightPolicy", "tinyPolicy"]


@pytest.mark.parametrize("address", ["s3://elsewhere/more/", None])
def test_a_channel_with_a_bucket_takes_a_prefix_alone(address: str | None) -> None:
    _, stacks = build([job()])
    bucket = s3.Bucket(stacks["training"], "Team")
    channel = Channel(s3=address) if address is not None else Channel(dataset_arn="arn:aws:x:hub-content/data")
    message = rf"^tiny: channel 'more': s3={address!r} is not allowed with a bucket; give the prefix in it"
    with pytest.raises(ValueError, match=message):
        stacks["training"].jobs[0].add_channel("more", channel, bucket=bucket)


def test_checkpoints_may_lie_in_a_bucket_of_the_same_app() -> None:
    stack = own_stack()
    bucket, saves = s3.Bucket(stack, "Team"), s3.Bucket(stack, "Saves")
    data = Storage.from_buckets(stack, "Storage", data=bucket, artifacts=bucket)
    plain = job()
    spec = replace(plain, checkpoints=replace(plain.checkpoints, s3=f"s3://{saves.bucket_name}/tiny/"))
    TrainingJob(stack, "tiny", project=VISION, spec=spec, image=None, data=data, network=None)
    template = written(stack)
    (name,) = [one for one in of_type(template, "AWS::S3::Bucket") if one.startswith("Saves")]
    payload = definition(template)["States"]["Preflight"]["Parameters"]["Payload"]
    assert payload["definition"]["checkpoints"]["s3"] == "${Checkpoints}"
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["Checkpoints"] == {"Fn::Join": ["", ["s3://", {"Ref": name}, "/tiny/"]]}
    (own_policy,) = [
        one for key, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if key.startswith("tinyP")
    ]
    (writes,) = [s for s in statements(own_policy) if "PutObject" in str(s["Action"]) and name in json.dumps(s)]
    assert json.dumps(writes["Resource"]).endswith('/tiny/*"]]}')
