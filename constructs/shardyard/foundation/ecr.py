"""An image repository for each folder in containers/."""

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core.arns import key_arn
from shardyard.core.project import Project
from shardyard.spec import names

UNTAGGED_DAYS = 7
"""An image without a tag is the rest of a broken push."""


class Registry(Construct):
    """Keeps the project's images: a tag is the hash of its content and never moves."""

    repositories: Mapping[str, ecr.CfnRepository]
    """The repositories by folder."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        folders: Sequence[str],
        key: IKeyRef,
        images_kept: int = 20,
    ) -> None:
        """`images_kept` is how many images a repository keeps."""
        super().__init__(scope, construct_id)
        self.repositories = {folder: self._repository(project, folder, key, images_kept) for folder in folders}

    def _repository(self, project: Project, folder: str, key: IKeyRef, images_kept: int) -> ecr.CfnRepository:
        repository = ecr.CfnRepository(
            self,
            folder,
            repository_name=names.repository_name(project.name, project.stage, folder),
            empty_on_delete=None if project.retains_data else True,
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS", kms_key=key_arn(key)
            ),
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
            image_tag_mutability="IMMUTABLE",
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=_lifecycle(images_kept)),
        )
        repository.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if project.retains_data else cdk.RemovalPolicy.DESTROY
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
