"""The project's three roles: training, notebooks, builds. Every statement is written out."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core import policy
from shardyard.core.project import Project
from shardyard.core.roles import THIS_ACCOUNT, role_view, service_role
from shardyard.foundation.ecr import Registry
from shardyard.foundation.permissions import Access
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import StorageBase


class Identity(Construct):
    """Roles that reach this project's buckets, key, repositories and log groups, and nothing else."""

    training_role_arn: str
    """What a training job may do."""
    notebook_role_arn: str
    """What a notebook may do: read and write data, launch and watch jobs, stop itself."""
    build_role_arn: str
    """What an image build may do: read source bundles, push to the project's repositories."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        storage: StorageBase,
        registry: Registry,
        placement: Placement | None,
        git_secret_arn: str | None = None,
        git_urls: Sequence[str] = (),
    ) -> None:
        """`git_urls` are the notebooks' repositories, and `git_secret_arn` the secret of a private one."""
        super().__init__(scope, construct_id)
        self._project = project
        access = Access(project=project, storage=storage, registry=registry, placement=placement)
        self._training = self._role("Training", "sagemaker.amazonaws.com", access.training())
        self.training_role_arn = self._training.attr_arn
        notebook = access.notebook(
            training_role_arn=self.training_role_arn, git_secret_arn=git_secret_arn, git_urls=git_urls
        )
        self._notebook = self._role("Notebook", "sagemaker.amazonaws.com", notebook)
        self.notebook_role_arn = self._notebook.attr_arn
        self._build = self._role("Build", "codebuild.amazonaws.com", access.build())
        self.build_role_arn = self._build.attr_arn

    @cached_property
    def training_role(self) -> iam.IRole:
        """The role of a training job, to grant to and to hand on."""
        return role_view(self, "TrainingRoleView", self._training)

    @cached_property
    def notebook_role(self) -> iam.IRole:
        """The role of a notebook, to grant to and to hand on."""
        return role_view(self, "NotebookRoleView", self._notebook)

    @cached_property
    def build_role(self) -> iam.IRole:
        """The role of an image build, to grant to and to hand on."""
        return role_view(self, "BuildRoleView", self._build)

    def _role(self, construct_id: str, service: str, statements: Sequence[policy.Statement]) -> iam.CfnRole:
        _, role = service_role(
            self,
            construct_id,
            project=self._project,
            service=service,
            when=THIS_ACCOUNT,
            allows=f"What the {construct_id.lower()} role of {self._project.name} may do",
            description=f"The {construct_id.lower()} role of {self._project.name} ({self._project.stage})",
            statements=statements,
        )
        return role
