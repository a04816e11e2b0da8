"""Git-linked notebook instances that stop by themselves."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core.arns import key_arn
from shardyard.core.project import Project
from shardyard.foundation.placement import Placement
from shardyard.workspaces.notebook_scripts import on_start

PLATFORM = "notebook-al2023-v1"
"""The only platform that Security Hub's SageMaker.8 accepts."""


class GitSecret(Construct):
    """The credentials of a private repository: made empty, filled by a person before the notebooks are deployed."""

    resource: secretsmanager.CfnSecret

    def __init__(self, scope: Construct, construct_id: str, *, name: str, url: str, key: IKeyRef) -> None:
        """`url` is the repository's."""
        super().__init__(scope, construct_id)
        self.resource = secretsmanager.CfnSecret(
            self,
            "Resource",
            name=name,
            description=f'Credentials for {url}: {{"username": ..., "password": ...}}',
            kms_key_id=key_arn(key),
        )

    @property
    def arn(self) -> str:
        """The secret's whole ARN, with the letters that Secrets Manager adds to its name."""
        return self.resource.ref


class GitRepository(Construct):
    """The repository that opens with the notebooks."""

    resource: sagemaker.CfnCodeRepository

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        secret: GitSecret | None,
        url: str,
        branch: str,
        url_given: cdk.CfnCondition | None,
    ) -> None:
        """`url` and `branch` may be tokens; where only a parameter gives the URL, `url_given` says whether it did."""
        super().__init__(scope, construct_id)
        # Without a name of its own: SageMaker cannot change a repository's URL or branch, so CloudFormation makes
        # another one, and two cannot have one name.
        self.resource = sagemaker.CfnCodeRepository(
            self,
            "Resource",
            git_config=sagemaker.CfnCodeRepository.GitConfigProperty(
                repository_url=url, branch=branch, secret_arn=None if secret is None else secret.arn
            ),
        )
        self.resource.cfn_options.condition = url_given

    @property
    def name(self) -> str:
        """The name by which a notebook instance refers to it."""
        return self.resource.attr_code_repository_name


class AutoStop(Construct):
    """The lifecycle configuration that stops an idle notebook."""

    resource: sagemaker.CfnNotebookInstanceLifecycleConfig

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, idle_minutes: int = 60) -> None:
        super().__init__(scope, construct_id)
        script = cdk.Fn.base64(on_start(idle_minutes))
        hook = sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(content=script)
        self.resource = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "Resource",
            notebook_instance_lifecycle_config_name=f"{project.prefix}-auto-stop",
            on_start=[hook],
        )

    @property
    def name(self) -> str:
        """The name by which a notebook instance refers to it."""
        return self.resource.attr_notebook_instance_lifecycle_config_name


class Notebook(Construct):
    """One notebook instance: encrypted, without root, IMDSv2 only, in the VPC where it is given one."""

    resource: sagemaker.CfnNotebookInstance

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        name: str,
        instance_type: str,
        role_arn: str,
        key: IKeyRef,
        placement: Placement | None,
        repository: str | None = None,
        additional_repositories: Sequence[str] = (),
        auto_stop: AutoStop | None = None,
        volume_gb: int = 20,
        direct_internet: bool = False,
    ) -> None:
        """`instance_type` and `repository` may be tokens.

        `direct_internet` lets it out past the VPC, which breaks Security Hub's SageMaker.1.
        """
        super().__init__(scope, construct_id)
        self.resource = sagemaker.CfnNotebookInstance(
            self,
            "Resource",
            notebook_instance_name=f"{project.prefix}-{name}",
            instance_type=instance_type,
            platform_identifier=PLATFORM,
            role_arn=role_arn,
            kms_key_id=key.ref if isinstance(key, kms.CfnKey) else key.key_ref.key_id,
            volume_size_in_gb=volume_gb,
            root_access="Disabled",
            direct_internet_access="Enabled" if direct_internet else "Disabled",
            subnet_id=None if placement is None else placement.subnet_ids[0],
            security_group_ids=None if placement is None else list(placement.security_group_ids),
            instance_metadata_service_configuration=(
                sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                    minimum_instance_metadata_service_version="2"
                )
            ),
            default_code_repository=repository,
            additional_code_repositories=list(additional_repositories) if additional_repositories else None,
            lifecycle_config_name=None if auto_stop is None else auto_stop.name,
        )
