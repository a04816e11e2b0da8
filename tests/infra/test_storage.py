"""Key and buckets: encrypted, private, TLS only, versioned, logged, expiring, and destroyable in dev alone."""

import json

import pytest

from checks.rules.model import Assembly, Resource, at
from tests.support.some import some

STORAGE = "shardyard-dev-storage"
BUCKETS = ("StorageData", "StorageArtifacts", "StorageLogs")


def buckets(assembly: Assembly) -> dict[str, Resource]:
    found = {resource.logical_id: resource for resource in assembly.resources("AWS::S3::Bucket")}
    return {name: next(r for i, r in found.items() if i.startswith(name)) for name in BUCKETS}


def test_the_key_rotates(dev: Assembly) -> None:
    (key,) = dev.resources("AWS::KMS::Key")
    assert key.properties["EnableKeyRotation"] is True


@pytest.mark.parametrize("name", BUCKETS)
def test_every_bucket_is_private_versioned_and_without_acls(dev: Assembly, name: str) -> None:
    bucket = buckets(dev)[name].properties
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("name", BUCKETS)
def test_every_bucket_refuses_plain_http(dev: Assembly, name: str) -> None:
    bucket = buckets(dev)[name]
    (policy,) = [
        p for p in dev.resources("AWS::S3::BucketPolicy") if p.properties["Bucket"] == {"Ref": bucket.logical_id}
    ]
    denied = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert [(s["Action"], s["Principal"], s["Condition"]) for s in denied] == [
        ("s3:*", "*", {"Bool": {"aws:SecureTransport": "false"}})
    ]
    itself = {"Fn::GetAtt": [bucket.logical_id, "Arn"]}
    assert denied[0]["Resource"] == [itself, {"Fn::Join": ["", [itself, "/*"]]}], "the bucket and its objects"


@pytest.mark.parametrize("name", ("StorageData", "StorageArtifacts"))
def test_data_and_artifacts_are_encrypted_with_our_key_and_logged(dev: Assembly, name: str) -> None:
    (key,) = dev.resources("AWS::KMS::Key")
    bucket = buckets(dev)[name].properties
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": [key.logical_id, "Arn"]},
    }
    assert rule["BucketKeyEnabled"] is True
    assert bucket["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": buckets(dev)["StorageLogs"].logical_id}


def test_access_logs_go_to_a_bucket_with_s3s_own_encryption(dev: Assembly) -> None:
    bucket = buckets(dev)["StorageLogs"].properties
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "LoggingConfiguration" not in bucket


def lifecycle(assembly: Assembly, name: str) -> dict[str, dict[str, object]]:
    return {rule["Id"]: rule for rule in buckets(assembly)[name].properties["LifecycleConfiguration"]["Rules"]}


@pytest.mark.parametrize("name", BUCKETS)
def test_old_versions_and_unfinished_uploads_expire(dev: Assembly, name: str) -> None:
    tidy = lifecycle(dev, name)["tidy"]
    assert tidy["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert tidy["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_checkpoints_and_access_logs_expire_and_models_do_not(dev: Assembly) -> None:
    rules = lifecycle(dev, "StorageArtifacts")
    assert set(rules) == {"tidy", "expire-checkpoints"}
    assert (rules["expire-checkpoints"]["Prefix"], rules["expire-checkpoints"]["ExpirationInDays"]) == (
        "checkpoints/",
        30,
    )
    assert "ExpirationInDays" not in rules["tidy"]
    assert lifecycle(dev, "StorageLogs")["tidy"]["ExpirationInDays"] == 90


def test_dev_goes_completely_and_each_bucket_is_emptied_before_it(dev: Assembly) -> None:
    resources = dev.templates[STORAGE]["Resources"]
    assert {r["DeletionPolicy"] for r in resources.values() if r["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key")} == {
        "Delete"
    }
    emptied = {json.dumps(r.properties["BucketName"]) for r in dev.resources("Custom::EmptyBucket")}
    assert emptied == {json.dumps({"Ref": bucket.logical_id}) for bucket in buckets(dev).values()}
    for bucket in buckets(dev).values():
        assert {"Key": "shardyard:empty-on-delete", "Value": "true"} in bucket.properties["Tags"]


def test_a_buckets_policy_goes_before_the_bucket_is_emptied(dev: Assembly) -> None:
    resources = dev.templates[STORAGE]["Resources"]
    for policy in some(dev.resources("AWS::S3::BucketPolicy")):
        (needed,) = resources[policy.logical_id]["DependsOn"]
        assert resources[needed]["Properties"]["BucketName"] == policy.properties["Bucket"]


def test_prod_retains_data_and_has_nothing_that_empties(prod: Assembly) -> None:
    resources = prod.templates["shardyard-prod-storage"]["Resources"]
    kept = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key")
    policies = {(r["DeletionPolicy"], r["UpdateReplacePolicy"]) for r in resources.values() if r["Type"] in kept}
    assert policies == {("RetainExceptOnCreate", "Retain")}
    assert not list(prod.resources("Custom::EmptyBucket"))
    tags = [tag["Key"] for bucket in buckets(prod).values() for tag in bucket.properties["Tags"]]
    assert "shardyard:empty-on-delete" not in tags


def test_the_outputs_that_yard_looks_for(dev: Assembly) -> None:
    names = set(dev.templates[STORAGE]["Outputs"])
    assert {"DataBucketName", "ArtifactBucketName", "LogBucketName", "KeyArn"} <= names


def test_the_key_is_used_by_services_for_this_account_alone(dev: Assembly) -> None:
    (key,) = dev.resources("AWS::KMS::Key")
    statements = key.properties["KeyPolicy"]["Statement"]
    for statement in statements:
        if "Service" in statement["Principal"]:
            assert "AWS::AccountId" in json.dumps(statement["Condition"]), statement["Sid"]
    assert at(statements[0], "Principal.AWS") is not None


def test_cloudwatch_logs_may_use_the_key_also_where_principals_have_another_suffix(dev: Assembly) -> None:
    (key,) = dev.resources("AWS::KMS::Key")
    (logs,) = [s for s in key.properties["KeyPolicy"]["Statement"] if s["Sid"] == "LogGroups"]
    parts = ["logs.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    assert logs["Principal"] == {"Service": {"Fn::Join": ["", parts]}}
