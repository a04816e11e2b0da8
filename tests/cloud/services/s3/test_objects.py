"""Objects: ranges, parts, copies and conditions by the real client, and a process that stays small and has room."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from embedded import lifecycle
from tests.cloud.conftest import Cloud, start
from tests.support.cloud.in_process import policy, zipped
from tests.support.clouds.training_cloud import wait_until

BUCKET = "objects-in-files"
MB = 2**20
BIG = os.urandom(12 * MB)


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose memory and descriptors are its objects'."""
    folder = tmp_path_factory.mktemp("objects")
    running = start(folder)
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    lifecycle.down(folder)


@pytest.fixture
def s3(own_cloud: Cloud) -> Any:
    return own_cloud.client("s3")


@pytest.fixture
def big(s3: Any, tmp_path: Path) -> str:
    """An object of three parts."""
    (tmp_path / "big").write_bytes(BIG)
    config = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    s3.upload_file(str(tmp_path / "big"), BUCKET, "big", Config=config)
    return "big"


def code(call: Any, **given: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(Bucket=BUCKET, **given)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_ranges_and_parts_of_an_uploaded_object(s3: Any, big: str) -> None:
    found = s3.get_object(Bucket=BUCKET, Key=big, Range=f"bytes={5 * MB - 3}-{5 * MB + 2}")
    assert found["Body"].read() == BIG[5 * MB - 3 : 5 * MB + 3]
    assert found["ContentRange"] == f"bytes {5 * MB - 3}-{5 * MB + 2}/{12 * MB}"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert s3.get_object(Bucket=BUCKET, Key=big, Range="bytes=-7")["Body"].read() == BIG[-7:]
    third = s3.get_object(Bucket=BUCKET, Key=big, PartNumber=3)
    assert third["Body"].read() == BIG[10 * MB :]
    head = s3.head_object(Bucket=BUCKET, Key=big, PartNumber=3)
    assert (head["ContentLength"], head["PartsCount"], third["PartsCount"]) == (2 * MB, 3, 3)
    assert head["ETag"] == third["ETag"] == found["ETag"]
    ranged = s3.head_object(Bucket=BUCKET, Key=big, Range="bytes=1-4")
    assert (ranged["ContentLength"], ranged["ResponseMetadata"]["HTTPStatusCode"]) == (4, 206)


def test_what_cannot_be_sent_is_refused_as_s3_refuses_it(s3: Any, big: str) -> None:
    assert code(s3.get_object, Key=big, Range=f"bytes={12 * MB}-") == (416, "InvalidRange")
    assert code(s3.head_object, Key=big, Range=f"bytes={12 * MB}-")[0] == 416
    assert code(s3.get_object, Key=big, PartNumber=4) == (416, "InvalidPartNumber")
    assert code(s3.get_object, Key=big, PartNumber=1, Range="bytes=0-1") == (400, "InvalidRequest")
    assert code(s3.get_object, Key=big, IfMatch='"other"') == (412, "PreconditionFailed")
    assert code(s3.head_object, Key=big, IfMatch='"other"')[0] == 412
    etag = s3.head_object(Bucket=BUCKET, Key=big)["ETag"]
    assert code(s3.get_object, Key=big, IfNoneMatch=etag)[0] == 304
    assert code(s3.head_object, Key=big, IfNoneMatch=etag)[0] == 304
    assert code(s3.put_object, Key=big, Body=b"x", ContentMD5=hashlib.md5(b"y").digest().hex()[:24])[0] == 400


def test_a_checksum_covers_the_whole_and_is_not_sent_with_a_range(s3: Any, big: str) -> None:
    whole = s3.get_object(Bucket=BUCKET, Key=big, ChecksumMode="ENABLED")
    assert whole["ChecksumCRC32"].endswith("-3")
    assert whole["Body"].read() == BIG
    head = s3.head_object(Bucket=BUCKET, Key=big, ChecksumMode="ENABLED")
    assert [head[name] for name in ("ChecksumCRC32", "ChecksumType")] == [whole["ChecksumCRC32"], "COMPOSITE"]
    ranged = s3.get_object(Bucket=BUCKET, Key=big, ChecksumMode="ENABLED", Range="bytes=0-3")
    assert "ChecksumCRC32" not in ranged
    s3.put_object(Bucket=BUCKET, Key="small", Body=b"hello", ChecksumAlgorithm="SHA256")
    found = s3.get_object(Bucket=BUCKET, Key="small", ChecksumMode="ENABLED")
    assert found["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


def test_copies_and_copied_ranges_are_the_same_bytes(s3: Any, big: str) -> None:
    source = f"{BUCKET}/{big}"
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=source)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="mixed")["UploadId"]
    place = {"Bucket": BUCKET, "Key": "mixed", "UploadId": upload}
    copied = s3.upload_part_copy(**place, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=7-{6 * MB + 6}")
    sent = s3.upload_part(**place, PartNumber=2, Body=b"end")
    parts = [
        {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": sent["ETag"]},
    ]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket=BUCKET, Key=big)
    copy = s3.get_object(Bucket=BUCKET, Key="copy")
    assert copy["Body"].read() == BIG
    assert copy["ETag"].strip('"') == hashlib.md5(BIG).hexdigest()
    assert s3.get_object(Bucket=BUCKET, Key="mixed")["Body"].read() == BIG[7 : 6 * MB + 7] + b"end"


def test_versions_keep_their_bytes_and_their_files_go_with_them(own_cloud: Cloud, s3: Any) -> None:
    bucket = "versions-in-files"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    names = set((own_cloud.folder / "objects").iterdir())
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=text)["VersionId"] for text in (b"one", b"two")]
    s3.list_object_versions(Bucket=bucket)
    read = [s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() for version in versions]
    assert read == [b"one", b"two"]
    made = set((own_cloud.folder / "objects").iterdir()) - names
    assert len(made) == 2
    for version in versions:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    # the snapshot that still names them may be the last one
    wait_until(lambda: not any(path.exists() for path in made), 20, "the removal of the files")


def test_no_object_holds_a_descriptor_or_memory(own_cloud: Cloud, s3: Any) -> None:
    """moto's had a descriptor each above 5 MB, and its memory below."""
    s3.put_object(Bucket=BUCKET, Key="warm", Body=BIG)
    before = own_cloud.admin("status")["memory_mb"]
    for number in range(40):
        s3.put_object(Bucket=BUCKET, Key=f"many/{number}", Body=BIG[: 4 * MB + number])
    for number in range(6):
        s3.put_object(Bucket=BUCKET, Key=f"large/{number}", Body=BIG)
    assert s3.get_object(Bucket=BUCKET, Key="many/39")["Body"].read() == BIG[: 4 * MB + 39]
    assert own_cloud.admin("status")["memory_mb"] < before + 40
    assert len(os.listdir(f"/proc/{own_cloud.state.pid}/fd")) < 40


def test_other_services_read_an_object_whole(own_cloud: Cloud, s3: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = own_cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    code = zipped({"m.py": "def handler(event, context):\n    return 'from S3'\n"})
    s3.put_object(Bucket=BUCKET, Key="code.zip", Body=code)
    client = own_cloud.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="m.handler",
        Role=role,
        Code={"S3Bucket": BUCKET, "S3Key": "code.zip"},
    )
    assert client.invoke(FunctionName="f")["Payload"].read() == b'"from S3"'
