"""What the constructs of all kinds of jobs have alike: they show what a LaunchedJob has made."""

from aws_cdk import aws_iam as iam

from shardyard.jobs.launchable import Launchable
from shardyard.jobs.launched_job import LaunchedJob
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
