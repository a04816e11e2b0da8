"""Storage.from_buckets: a job on the buckets that a team has already; and ours as CDK's own types."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from shardyard.foundation.storage import Storage
from shardyard.foundation.storage_base import StorageBase
from shardyard.jobs.training_job import TrainingJob
from tests.support.training_stack import VISION, Template, actions, job, of_type, only, own_stack, statements, written


def launched(of: cdk.Stack, data: StorageBase) -> TrainingJob:
    return TrainingJob(of, "tiny", project=VISION, spec=job(), image=None, data=data, network=None)


def policies(template: Template) -> dict[str, Template]:
    found = {name: one for name, one in of_type(template, "AWS::IAM::ManagedPolicy").items()}
    assert found
    return found


def keys_used(template: Template) -> list[Any]:
    return [
        statement["Resource"]
        for policy in policies(template).values()
        for statement in statements(policy)
        if "kms:" in json.dumps(statement["Action"])
    ]


def test_a_job_reads_and_writes_the_buckets_that_were_given() -> None:
    own = own_stack()
    data, artifacts = s3.Bucket(own, "Data"), s3.Bucket(own, "Models")
    launched(own, Storage.from_buckets(own, "Storage", data=data, artifacts=artifacts))
    template = written(own)
    (data_id,) = [name for name in of_type(template, "AWS::S3::Bucket") if name.startswith("Data")]
    (models_id,) = [name for name in of_type(template, "AWS::S3::Bucket") if name.startswith("Models")]
    assert len(of_type(template, "AWS::S3::Bucket")) == 2 and not of_type(template, "AWS::KMS::Key")
    substitutions = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["DataBucket"] == {"Ref": data_id} and substitutions["ArtifactBucket"] == {"Ref": models_id}
    (own_policy,) = [one for name, one in policies(template).items() if name.startswith("tinyPolicy")]
    text = json.dumps(own_policy)
    assert data_id in text and models_id in text


def test_without_a_key_nothing_is_said_of_one() -> None:
    own = own_stack()
    bucket = s3.Bucket(own, "Team", encryption=s3.BucketEncryption.S3_MANAGED)
    launched(own, Storage.from_buckets(own, "Storage", data=bucket, artifacts=bucket))
    template = written(own)
    assert keys_used(template) == []
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert "Key" not in machine["DefinitionSubstitutions"] and "${Key}" not in machine["DefinitionString"]
    groups = of_type(template, "AWS::Logs::LogGroup").values()
    assert groups and not any("KmsKeyId" in group for group in groups)


@pytest.mark.parametrize("given", [False, True], ids=["the bucket's own", "given"])
def test_a_key_is_found_by_its_bucket_or_given(given: bool) -> None:
    own = own_stack()
    key = kms.Key(own, "TeamKey")
    bucket: s3.IBucket = s3.Bucket(own, "Team", encryption_key=key)
    if given:
        bucket = s3.Bucket.from_bucket_name(own, "ByName", "team-data")
    launched(own, Storage.from_buckets(own, "Storage", data=bucket, artifacts=bucket, key=key if given else None))
    template = written(own)
    (name,) = of_type(template, "AWS::KMS::Key")
    used = keys_used(template)
    assert used and all(resource == {"Fn::GetAtt": [name, "Arn"]} for resource in used)
    machine = only(template, "AWS::StepFunctions::StateMachine")
    assert machine["DefinitionSubstitutions"]["Key"] == {"Fn::GetAtt": [name, "Arn"]}
    assert '"kms_key_arn":"${Key}"' in machine["DefinitionString"]


def test_data_with_a_key_of_its_own_is_read_and_results_take_the_other_key() -> None:
    own = own_stack()
    data = s3.Bucket(own, "Data", encryption_key=kms.Key(own, "DataKey"))
    artifacts = s3.Bucket(own, "Models", encryption_key=kms.Key(own, "ModelKey"))
    launched(own, Storage.from_buckets(own, "Storage", data=data, artifacts=artifacts))
    template = written(own)
    data_key, model_key = (
        next(name for name in of_type(template, "AWS::KMS::Key") if name.startswith(part))
        for part in ("DataKey", "ModelKey")
    )
    key = only(template, "AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["Key"]
    assert key == {"Fn::GetAtt": [model_key, "Arn"]}
    (training,) = [one for name, one in policies(template).items() if name.startswith("RuntimevisiondevTraining")]
    (decrypts,) = [one for one in statements(training) if "kms:Decrypt" in one["Action"]]
    assert decrypts["Resource"] == [{"Fn::GetAtt": [model_key, "Arn"]}, {"Fn::GetAtt": [data_key, "Arn"]}]


def test_log_groups_are_encrypted_with_a_key_that_is_given_for_them() -> None:
    own = own_stack()
    key, bucket = kms.Key(own, "LogKey"), s3.Bucket(own, "Team")
    launched(own, Storage.from_buckets(own, "Storage", data=bucket, artifacts=bucket, log_key=key))
    template = written(own)
    (name,) = of_type(template, "AWS::KMS::Key")
    groups = of_type(template, "AWS::Logs::LogGroup").values()
    assert groups and all(group["KmsKeyId"] == {"Fn::GetAtt": [name, "Arn"]} for group in groups)


def test_a_job_on_another_storage_than_its_projects_is_refused() -> None:
    own = own_stack()
    bucket = s3.Bucket(own, "Team")
    launched(own, Storage.from_buckets(own, "Storage", data=bucket, artifacts=bucket))
    other = Storage.from_buckets(own, "Other", data=bucket, artifacts=bucket)
    with pytest.raises(ValueError, match=r"^tiny: `data` is not the storage that .* \(own/Storage\); give that one"):
        TrainingJob(own, "second", project=VISION, spec=job(), image=None, data=other, network=None)


def test_our_buckets_take_grants_and_add_nothing_until_they_are_asked() -> None:
    own = own_stack()
    storage = Storage(own, "Storage", project=VISION)
    assert storage.node.try_find_child("DataView") is None
    reader = iam.Role(own, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    storage.data.grant_read(reader)
    storage.artifacts.grant_read(reader)
    assert storage.data is storage.data
    template = written(own)
    allowed = only(template, "AWS::IAM::Policy")
    assert {"s3:GetObject*", "kms:Decrypt"} <= actions(allowed)
    (key,) = of_type(template, "AWS::KMS::Key")
    assert f'"{key}", "Arn"' in json.dumps(allowed)
    assert len(of_type(template, "AWS::S3::Bucket")) == 3
