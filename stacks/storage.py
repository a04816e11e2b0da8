"""The storage stack: the key and the buckets."""

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.storage import Storage
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack


class StorageStack(ProjectStack):
    """Everything that outlives a training run."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "storage", settings=settings, description="Key, data, artifacts and access logs")
        self.storage = Storage(
            self,
            "Storage",
            project=self.project,
            checkpoint_days=settings.retention.checkpoint_days,
            old_version_days=settings.retention.old_version_days,
            unfinished_upload_days=settings.retention.unfinished_upload_days,
            access_log_days=settings.retention.access_log_days,
        )
        storage = self.storage
        add_output(self, "DataBucketName", storage.data_bucket.ref, "Training data: <set>/train/, validation/, test/")
        add_output(self, "ArtifactBucketName", storage.artifact_bucket.ref, "Models, checkpoints, source bundles")
        add_output(self, "LogBucketName", storage.log_bucket.ref, "Access logs of the other buckets")
        add_output(self, "KeyArn", storage.key.attr_arn, "The key that encrypts all of it")
