"""What others see of a storage, whoever made its buckets: names and ARNs, and the buckets as CDK's own types."""

from dataclasses import dataclass
from functools import cached_property

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where data and results lie, read from their constructs once: each read is a call into another process."""

    data_bucket: str
    data_arn: str
    artifact_bucket: str
    artifact_arn: str
    key_arn: str | None
    """Encrypts what jobs write, and their volumes; None leaves that to S3's and SageMaker's own keys."""
    key_arns: tuple[str, ...]
    """Every key that something in the buckets is encrypted with."""

    def use_keys(self, *actions: str) -> list[policy.Statement]:
        """Let a role do this with the keys; no statement where there is none."""
        return [policy.allow(actions, self.key_arns)] if self.key_arns else []


class StorageBase(Construct):
    """A bucket with data and one for what jobs make. `Storage` makes them, `Storage.from_buckets` takes a team's."""

    places: Places
    """Names and ARNs of the buckets and keys."""
    log_key: IKeyRef | None
    """Encrypts log groups, so CloudWatch Logs may use it; None leaves that to CloudWatch's own key."""

    @cached_property
    def data(self) -> s3.IBucket:
        """The data bucket as CDK's own type, made when asked for: to grant, to notify, to read its name."""
        return self._view("DataView", self.places.data_bucket, self.places.data_arn)

    @cached_property
    def artifacts(self) -> s3.IBucket:
        """The artifact bucket as CDK's own type, made when asked for."""
        return self._view("ArtifactsView", self.places.artifact_bucket, self.places.artifact_arn)

    @cached_property
    def encryption_key(self) -> kms.IKey | None:
        """The key that encrypts what jobs write, as CDK's own type, made when asked for."""
        if self.places.key_arn is None:
            return None
        return kms.Key.from_key_arn(self, "KeyView", self.places.key_arn)

    def _view(self, construct_id: str, name: str, arn: str) -> s3.IBucket:
        # With its key, so that what CDK grants on the bucket it grants on the key as well.
        return s3.Bucket.from_bucket_attributes(
            self, construct_id, bucket_name=name, bucket_arn=arn, encryption_key=self.encryption_key
        )


class TeamBuckets(StorageBase):
    """Buckets that a team has already; nothing about them is changed."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey | None,
        log_key: IKeyRef | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._data, self._artifacts, self.log_key = data, artifacts, log_key
        self._key = artifacts.encryption_key if key is None else key
        keys = [one.key_arn for one in (self._key, data.encryption_key) if one is not None]
        self.places = Places(
            data_bucket=data.bucket_name,
            data_arn=data.bucket_arn,
            artifact_bucket=artifacts.bucket_name,
            artifact_arn=artifacts.bucket_arn,
            key_arn=None if self._key is None else keys[0],
            key_arns=tuple(dict.fromkeys(keys)),
        )

    @cached_property
    def data(self) -> s3.IBucket:
        """The bucket that was given."""
        return self._data

    @cached_property
    def artifacts(self) -> s3.IBucket:
        """The bucket that was given."""
        return self._artifacts

    @cached_property
    def encryption_key(self) -> kms.IKey | None:
        """The key that was given, or the artifact bucket's own."""
        return self._key
