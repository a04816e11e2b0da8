"""What the constructs of all kinds of jobs have alike: the runtime they share, and what a LaunchedJob has made."""

from aws_cdk import aws_iam as iam
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core.project import Project
from shardyard.foundation.storage_base import StorageBase
from shardyard.jobs.launchable import Launchable
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.runtime import JobRuntime
from shardyard.spec.jobs.launched import LaunchedSpec


class JobConstruct(Launchable):
    """A job of one kind, whose parts a LaunchedJob has made."""

    def _take(self, launched: LaunchedJob) -> None:
        """Take what was made as this construct's own."""
        self._launched = launched
        self.machine_name, self.machine_arn = launched.machine_name, launched.machine_arn
        self.machine, self.alarm = launched.machine, launched.alarm
        self.log_group = launched.log_group

    @property
    def spec(self) -> LaunchedSpec:
        """The job's definition, with what was added to it."""
        return self._launched.spec

    @property
    def name(self) -> str:
        """The job's name, which is its file's."""
        return self.spec.name

    @property
    def second_path(self) -> bool:
        """Whether our own function creates the job and looks at it, in place of Step Functions' integration."""
        return self._launched.second_path

    @property
    def role(self) -> iam.IRole:
        """What the job runs as: the role that was given, or its own; what others grant to it is added to it."""
        return self._launched.role.view

    @property
    def counts(self) -> dict[str, int]:
        """How much of its stack's budgets this job takes."""
        return self._launched.counts

    @property
    def template_bytes(self) -> int:
        """About how long its part of the template is."""
        return self._launched.template_bytes


def shared_runtime(
    job: Construct,
    name: str,
    *,
    data: StorageBase,
    project: Project | None,
    runtime: JobRuntime | None,
    alerts: ITopicRef | None,
) -> JobRuntime:
    """The runtime that was given, or the project's, which its first job makes."""
    if runtime is None:
        if project is None:
            raise ValueError(f"{name}: give `project`, or the `runtime` that the jobs of a project share")
        runtime = JobRuntime.of(job, project, storage=data, alerts=alerts)
    elif project is not None or alerts is not None:
        raise ValueError(f"{name}: `project` and `alerts` are its runtime's where a `runtime` is given")
    if data is not runtime.storage:
        raise ValueError(
            f"{name}: `data` is not the storage that this project's jobs share ({runtime.storage.node.path}); "
            "give that one, and read from other buckets through its inputs"
        )
    return runtime
