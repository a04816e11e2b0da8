"""What every answer about an object says: how it is encrypted, and what its checksum is of."""

from typing import Any

import pytest

from tests.support.cloud.in_process import Account, account

__all__ = ["account"]


@pytest.fixture(scope="module")
def s3(account: Account) -> Any:
    client = account.client("s3")
    client.create_bucket(Bucket="answers")
    return client


def upload(s3: Any, bucket: str, key: str) -> list[dict[str, Any]]:
    """The answers of an upload in one part."""
    begun = s3.create_multipart_upload(Bucket=bucket, Key=key)
    where = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
    part = s3.upload_part(PartNumber=1, Body=b"part", **where)
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **where)
    return [begun, part, done]


def test_every_bucket_encrypts(s3: Any) -> None:
    rule = s3.get_bucket_encryption(Bucket="answers")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.delete_bucket_encryption(Bucket="answers")
    assert s3.get_bucket_encryption(Bucket="answers")["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = s3.put_object(Bucket="answers", Key="one", Body=b"x")
    copied = s3.copy_object(Bucket="answers", Key="two", CopySource="answers/one")
    answers = [put, copied, s3.head_object(Bucket="answers", Key="one"), s3.get_object(Bucket="answers", Key="two")]
    answers += [*upload(s3, "answers", "parts"), s3.head_object(Bucket="answers", Key="parts")]
    assert [one["ServerSideEncryption"] for one in answers] == ["AES256"] * len(answers)


def test_a_buckets_key_is_told_of_every_object(account: Account, s3: Any) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="answers-kms")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3.put_bucket_encryption(Bucket="answers-kms", ServerSideEncryptionConfiguration={"Rules": rules})
    answers = [s3.put_object(Bucket="answers-kms", Key="one", Body=b"x"), *upload(s3, "answers-kms", "parts")]
    answers.append(s3.head_object(Bucket="answers-kms", Key="parts"))
    assert [(one["ServerSideEncryption"], one["SSEKMSKeyId"]) for one in answers] == [("aws:kms", key)] * len(answers)


def test_a_checksum_says_what_it_is_of(s3: Any) -> None:
    put = s3.put_object(Bucket="answers", Key="sum", Body=b"x", ChecksumAlgorithm="SHA256")
    read = {"Bucket": "answers", "Key": "sum", "ChecksumMode": "ENABLED"}
    answers = [put, s3.head_object(**read), s3.get_object(**read)]
    assert [(one["ChecksumSHA256"], one["ChecksumType"]) for one in answers] == [
        (put["ChecksumSHA256"], "FULL_OBJECT")
    ] * 3


def test_an_upload_in_parts_has_no_version_where_there_are_none(s3: Any) -> None:
    assert "VersionId" not in upload(s3, "answers", "unversioned")[2]
    s3.create_bucket(Bucket="answers-versions")
    s3.put_bucket_versioning(Bucket="answers-versions", VersioningConfiguration={"Status": "Enabled"})
    assert len(upload(s3, "answers-versions", "versioned")[2]["VersionId"]) > 10
