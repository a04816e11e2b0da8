"""The notebooks stack: one notebook instance for each name in the settings."""

from aws_cdk import Aws, Fn, Token
from constructs import Construct

from shardyard.core.outputs import add_output
from shardyard.core.parameters import Override
from shardyard.foundation.identity import Identity
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.spec.settings import parameters
from shardyard.spec.settings.settings import Settings
from shardyard.workspaces.notebooks import AutoStop, GitRepository, GitSecret, Notebook

from .base import ProjectStack


class NotebooksStack(ProjectStack):
    """Where people write code."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        identity: Identity,
        git_secret: GitSecret | None,
        placement: Placement | None,
    ) -> None:
        super().__init__(scope, "notebooks", settings=settings, description="Git-linked notebook instances")
        notebooks = settings.notebooks
        kind = Override(
            self, "InstanceType", parameter=parameters.NOTEBOOK_INSTANCE_TYPE, otherwise=notebooks.instance_type
        )
        repository = self._repository(settings, git_secret)
        auto_stop = (
            AutoStop(self, "AutoStop", project=self.project, idle_minutes=notebooks.idle_minutes)
            if notebooks.auto_stop
            else None
        )
        for name in notebooks.names:
            notebook = Notebook(
                self,
                f"Notebook-{name}",
                project=self.project,
                name=name,
                instance_type=kind.value,
                role_arn=identity.notebook_role_arn,
                key=storage.key,
                placement=placement,
                repository=repository,
                additional_repositories=notebooks.additional_repositories,
                auto_stop=auto_stop,
                volume_gb=notebooks.volume,
                direct_internet=notebooks.git_access == "direct",
            )
            instance = notebook.resource.attr_notebook_instance_name
            command = f"aws sagemaker create-presigned-notebook-instance-url --notebook-instance-name {instance}"
            add_output(self, f"Open{_camel(name)}", command, "Prints a link that opens the notebook")

    def _repository(self, settings: Settings, secret: GitSecret | None) -> str:
        """The repository's name, or nothing in the deployed stack while no URL is given."""
        notebooks = settings.notebooks
        url = Override(
            self,
            "GitUrl",
            parameter=parameters.notebook_git_url(notebooks.git_access),
            otherwise=notebooks.git_url or None,
        )
        branch = Override(
            self, "GitBranch", parameter=parameters.NOTEBOOK_GIT_BRANCH, otherwise=notebooks.git_branch or None
        )
        url_given = None if notebooks.git_url else url.given
        repository = GitRepository(
            self,
            "Repository",
            secret=secret,
            url=url.value if url_given is None else url.reference,
            branch=branch.value,
            url_given=url_given,
        )
        if url_given is None:
            return repository.name
        return Token.as_string(Fn.condition_if(url_given.logical_id, repository.name, Aws.NO_VALUE))


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))
