"""S3 encrypts everything since January 2023: every bucket has a default, and every answer about an object says it."""

from typing import Any

from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

from embedded import moto_patches

_BY_S3 = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
_moto_create_upload = S3Backend.create_multipart_upload
_moto_post, _moto_upload_part = S3Response._key_response_post, S3Response.upload_part


def _read(self: Any) -> dict[str, Any]:
    found: dict[str, Any] = self.__dict__.get("encryption") or _BY_S3
    return found


def _write(self: Any, value: dict[str, Any] | None) -> None:
    self.__dict__["encryption"] = value


def _create_upload(self: Any, bucket_name: str, *arguments: Any) -> Any:
    """An upload in parts has the bucket's encryption where the request names none."""
    upload = _moto_create_upload(self, bucket_name, *arguments)
    rule = self.get_bucket(bucket_name).encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
    if upload.sse_encryption is None:
        upload.sse_encryption = rule["SSEAlgorithm"]
        upload.kms_key_id = upload.kms_key_id or rule.get("KMSMasterKeyID")
    return upload


def _told(self: Any, answer: Any, upload_id: str | None) -> Any:
    """The answer with the encryption of the upload that it is about."""
    upload = self.backend.get_bucket(self.bucket_name).multiparts.get(upload_id)
    if upload is None or answer[0] != 200:
        return answer
    headers = {"x-amz-server-side-encryption": upload.sse_encryption}
    if upload.kms_key_id:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = upload.kms_key_id
    return answer[0], {**answer[1], **headers}, answer[2]


def _post(self: Any, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str) -> Any:
    before = set(self.backend.get_bucket(bucket_name).multiparts)
    answer = _moto_post(self, request, body, bucket_name, query, key_name)
    if "uploads" not in query:
        # a bucket that has never been versioned has no versions to tell of
        headers = {name: value for name, value in answer[1].items() if (name, value) != ("x-amz-version-id", "null")}
        return answer[0], headers, answer[2]
    made = [one for one in self.backend.get_bucket(bucket_name).multiparts if one not in before]
    mine = next((one for one in made if f"<UploadId>{one}</UploadId>" in str(answer[2])), None)
    return _told(self, answer, mine)


def _upload_part(self: Any) -> Any:
    upload_id = self.querystring.get("uploadId", [None])[0]
    return _told(self, _moto_upload_part(self), upload_id)


_WHY = "objects of a bucket without a rule are told as not encrypted"
FakeBucket.encryption = None  # an attribute of the class, to be replaced
for owner, name, replacement in (
    (FakeBucket, "encryption", property(_read, _write)),
    (S3Backend, "create_multipart_upload", _create_upload),
    (S3Response, "_key_response_post", _post),
    (S3Response, "upload_part", _upload_part),
):
    moto_patches.replace(owner, name, replacement, reason=_WHY)
