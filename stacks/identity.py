"""The identity stack: the roles."""

from typing import TYPE_CHECKING

from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.foundation.ecr import Registry
from shardyard.foundation.identity import Identity
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack

if TYPE_CHECKING:  # loaded where a notebook needs it
    from shardyard.workspaces.notebooks import GitSecret


class IdentityStack(ProjectStack):
    """Who may do what."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        registry: Registry,
        placement: Placement | None,
    ) -> None:
        super().__init__(scope, "identity", settings=settings, description="Roles for training, notebooks and builds")
        notebooks = settings.notebooks
        self.git_secret = self._git_secret(settings, storage)
        self.identity = Identity(
            self,
            "Identity",
            project=self.project,
            storage=storage,
            registry=registry,
            placement=placement,
            git_secret_arn=None if self.git_secret is None else self.git_secret.arn,
            git_urls=(notebooks.git_url, *notebooks.additional_repositories) if notebooks.enabled else (),
        )
        add_output(self, "TrainingRoleArn", self.identity.training_role_arn, "The role of a training job")
        add_output(self, "NotebookRoleArn", self.identity.notebook_role_arn, "The role of a notebook")
        add_output(self, "BuildRoleArn", self.identity.build_role_arn, "The role of an image build")
        if self.git_secret is not None:
            command = 'aws secretsmanager put-secret-value --secret-string \'{"username": "...", "password": "..."}\''
            fill = f"{command} --secret-id {self.git_secret.arn}"
            add_output(
                self, "FillGitSecret", fill, "Run it before the notebooks are deployed: they clone on their start"
            )

    def _git_secret(self, settings: Settings, storage: Storage) -> "GitSecret | None":
        """Here and not beside the notebooks: a person fills it before they are deployed, or they could not clone."""
        notebooks = settings.notebooks
        if not (notebooks.enabled and notebooks.git_private):
            return None
        from shardyard.workspaces.notebooks import GitSecret

        return GitSecret(self, "GitSecret", name=notebooks.git_secret_name, url=notebooks.git_url, key=storage.key)
