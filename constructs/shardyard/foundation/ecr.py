"""An image repository for each folder in containers/."""

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from shardyard.spec import names
from shardyard.spec.settings.settings import Settings

UNTAGGED_DAYS = 7
"""An image without a tag is the rest of a broken push."""


class Registry(Construct):
    """Keeps the project's images: a tag is the hash of its content and never moves."""

    repositories: Mapping[str, ecr.CfnRepository]
    """The repositories by folder."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, folders: Sequence[str], key: kms.CfnKey
    ) -> None:
        super().__init__(scope, construct_id)
        self.repositories = {folder: self._repository(settings, folder, key) for folder in folders}

    def _repository(self, settings: Settings, folder: str, key: kms.CfnKey) -> ecr.CfnRepository:
        repository = ecr.CfnRepository(
            self,
            folder,
            repository_name=names.repository_name(settings.project, settings.stage, folder),
            empty_on_delete=None if settings.retains_data else True,
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS", kms_key=key.attr_arn
            ),
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
            image_tag_mutability="IMMUTABLE",
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(
                lifecycle_policy_text=_lifecycle(settings.retention.images)
            ),
        )
        repository.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.retains_data else cdk.RemovalPolicy.DESTROY
        )
        return repository


def _lifecycle(images: int) -> str:
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    rules = [
        {
            "rulePriority": 1,
            "description": "Remove the rests of broken pushes",
            "selection": {**untagged, "countNumber": UNTAGGED_DAYS},
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": f"Keep the {images} newest images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images},
            "action": {"type": "expire"},
        },
    ]
    return json.dumps({"rules": rules}, sort_keys=True)
