"""The project's key and its three buckets: data in, artifacts out, access logs."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID
from shardyard.core.function import CustomResource, HandlerFunction
from shardyard.core.project import Project
from shardyard.foundation.key import Key
from shardyard.foundation.storage_base import Places, StorageBase, TeamBuckets

EMPTY_ON_DELETE_TAG = "shardyard:empty-on-delete"
"""Only a bucket that carries this tag is ever emptied, whatever asks for it."""


class Storage(StorageBase):
    """Keeps what training reads and makes, encrypted with one key of the project's own."""

    key: kms.CfnKey
    """Encrypts everything that the project keeps, logs and messages included."""
    data_bucket: s3.CfnBucket
    """Training data: each data set under a prefix of its own, with `train/`, `validation/` and `test/` below it."""
    artifact_bucket: s3.CfnBucket
    """Models and receipts (`runs/`), checkpoints (`checkpoints/`) and bundles of user code (`source/`)."""
    log_bucket: s3.CfnBucket
    """The access logs of the other two."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        checkpoint_days: int = 30,
        old_version_days: int = 30,
        unfinished_upload_days: int = 7,
        access_log_days: int = 90,
    ) -> None:
        """Checkpoints, overwritten objects, broken uploads and access logs expire after so many days; data never."""
        super().__init__(scope, construct_id)
        self._project = project
        self._old_version_days, self._unfinished_upload_days = old_version_days, unfinished_upload_days
        self._access_log_days = access_log_days
        self._removal = (
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if project.retains_data else cdk.RemovalPolicy.DESTROY
        )
        self.key = Key(self, "Key", project=project).resource
        self.log_bucket = self._log_bucket()
        self.data_bucket = self._bucket("Data", expiring={})
        self.artifact_bucket = self._bucket("Artifacts", expiring={"checkpoints/": checkpoint_days})
        self._policies()
        key_arn = self.key.attr_arn
        self.log_key = self.key
        self.places = Places(
            data_bucket=self.data_bucket.ref,
            data_arn=self.data_bucket.attr_arn,
            artifact_bucket=self.artifact_bucket.ref,
            artifact_arn=self.artifact_bucket.attr_arn,
            key_arn=key_arn,
            key_arns=(key_arn,),
        )

    @classmethod
    def from_buckets(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        key: kms.IKey | None = None,
        log_key: IKeyRef | None = None,
    ) -> StorageBase:
        """The buckets that a team has: one with data, one for what jobs make. They may be one and the same.

        `key` encrypts what jobs write, and their volumes; by default it is the artifact bucket's own, if CDK knows it:
        a bucket imported by its name has none, and nothing is then said of a key. `log_key` encrypts the log groups;
        its policy must let CloudWatch Logs use it.
        """
        return TeamBuckets(scope, construct_id, data=data, artifacts=artifacts, key=key, log_key=log_key)

    @property
    def buckets(self) -> dict[str, s3.CfnBucket]:
        """All buckets by what they are for."""
        return {"Log": self.log_bucket, "Data": self.data_bucket, "Artifact": self.artifact_bucket}

    def _log_bucket(self) -> s3.CfnBucket:
        # S3 delivers access logs only to a bucket with its own encryption, not to one with a key of ours.
        rule = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="AES256")
        return self._make(
            "Logs",
            encryption=s3.CfnBucket.ServerSideEncryptionRuleProperty(server_side_encryption_by_default=rule),
            logging=None,
            expiring={"": self._access_log_days},
        )

    def _bucket(self, construct_id: str, *, expiring: dict[str, int]) -> s3.CfnBucket:
        rule = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
            sse_algorithm="aws:kms", kms_master_key_id=self.key.attr_arn
        )
        return self._make(
            construct_id,
            encryption=s3.CfnBucket.ServerSideEncryptionRuleProperty(
                server_side_encryption_by_default=rule, bucket_key_enabled=True
            ),
            logging=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=self.log_bucket.ref, log_file_prefix=f"{construct_id.lower()}/"
            ),
            expiring=expiring,
        )

    def _make(
        self,
        construct_id: str,
        *,
        encryption: s3.CfnBucket.ServerSideEncryptionRuleProperty,
        logging: s3.CfnBucket.LoggingConfigurationProperty | None,
        expiring: dict[str, int],
    ) -> s3.CfnBucket:
        bucket = s3.CfnBucket(
            self,
            construct_id,
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[encryption]),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(rules=self._lifecycle(expiring)),
            logging_configuration=logging,
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            tags=None if self._project.retains_data else [cdk.CfnTag(key=EMPTY_ON_DELETE_TAG, value="true")],
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        )
        bucket.apply_removal_policy(self._removal)
        return bucket

    def _lifecycle(self, expiring: dict[str, int]) -> list[s3.CfnBucket.RuleProperty]:
        tidy = s3.CfnBucket.RuleProperty(
            id="tidy",
            status="Enabled",
            abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                days_after_initiation=self._unfinished_upload_days
            ),
            expired_object_delete_marker=None if "" in expiring else True,
            expiration_in_days=expiring.get(""),
            noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                noncurrent_days=self._old_version_days
            ),
        )
        return [
            tidy,
            *(
                s3.CfnBucket.RuleProperty(
                    id=f"expire-{prefix.strip('/')}", status="Enabled", prefix=prefix, expiration_in_days=days
                )
                for prefix, days in expiring.items()
                if prefix
            ),
        ]

    def _policies(self) -> None:
        delivers_logs = policy.allow_service(
            "logging.s3.amazonaws.com",
            ["s3:PutObject"],
            [f"{self.log_bucket.attr_arn}/*"],
            when={
                "StringEquals": {"aws:SourceAccount": ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": [self.data_bucket.attr_arn, self.artifact_bucket.attr_arn]},
            },
            sid="AccessLogDelivery",
        )
        emptier = None if self._project.retains_data else self._emptier()
        for purpose, bucket in self.buckets.items():
            statements = [policy.deny_without_tls([bucket.attr_arn, f"{bucket.attr_arn}/*"])]
            if bucket is self.log_bucket:
                statements.append(delivers_logs)
            resource = self._policy(f"{purpose}Policy", bucket, statements)
            if emptier is not None:
                emptied = CustomResource(
                    self,
                    f"Empty{purpose}",
                    kind="EmptyBucket",
                    function=emptier,
                    properties={"BucketName": bucket.ref},
                )
                # Gone before the bucket is emptied: the handler then closes the bucket with a policy of its own.
                resource.add_resource_dependency(emptied)

    def _policy(
        self, construct_id: str, bucket: s3.CfnBucket, statements: Sequence[policy.Statement]
    ) -> s3.CfnBucketPolicy:
        resource = s3.CfnBucketPolicy(
            self, construct_id, bucket=bucket.ref, policy_document=policy.document(statements)
        )
        resource.apply_removal_policy(self._removal)
        return resource

    def _emptier(self) -> HandlerFunction:
        arns = [bucket.attr_arn for bucket in self.buckets.values()]
        return HandlerFunction(
            self,
            "EmptyBucket",
            project=self._project,
            handler="resources/empty_bucket",
            description="Empties this project's buckets when their stack is deleted",
            statements=[
                policy.allow(
                    [
                        "s3:GetBucketTagging",
                        "s3:ListBucketMultipartUploads",
                        "s3:ListBucketVersions",
                        "s3:PutBucketPolicy",
                    ],
                    arns,
                ),
                policy.allow(
                    ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"],
                    [f"{arn}/*" for arn in arns],
                ),
            ],
            key=self.key,
            timeout_seconds=900,
        )
