"""TuningJob: the search of a job with `[tuning]`, as a state machine beside the job's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn
from shardyard.foundation.placement import Placement
from shardyard.images.job_image import JobImage
from shardyard.jobs.late_addresses import embeddable, late_addresses
from shardyard.jobs.launchable import Launchable
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.launched_kind import LaunchedKind
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.tuning.states import TUNE, search_definition
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.sfn_tuning_fields import unknown_to_tuning_task
from shardyard.spec.requests.tuning import to_tuning_request
from shardyard.spec.tuning.trials import tuning_of

_RETRAINED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""By which Step Functions hears that an execution it waits for has ended."""


class _Search(LaunchedKind):
    """What is a search's own; its trials run as the job's training does."""

    task = TUNE
    is_watched = True
    spec: JobSpec

    def __init__(self, spec: JobSpec, *, job_machine: str) -> None:
        super().__init__(spec)
        self._tuning = tuning_of(spec)
        self._job_machine = job_machine
        self.registers = self._tuning.register

    def request(self, deployment: Deployment) -> dict[str, Any]:
        return to_tuning_request(self.spec, deployment, tuning_job="name", run_id="run")

    def needs_second_path(self, request: Mapping[str, Any]) -> bool:
        return bool(unknown_to_tuning_task(request))

    def embeddable(self) -> dict[str, Any]:
        return embeddable(self.spec)

    def late_addresses(self) -> dict[str, str]:
        job = {"Job": self._machine_arn} if self._tuning.retrain.enabled else {}
        return {**late_addresses(self.spec), **job}

    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        return []  # trials have the job's role

    def machine_statements(self) -> list[policy.Statement]:
        """What the machine may do besides: launch the job, and wait for it."""
        if not self._tuning.retrain.enabled:
            return []
        executions = arn("states", f"execution:{self._job_machine}:*")
        return [
            policy.allow(["states:StartExecution"], [self._machine_arn]),
            policy.allow(["states:DescribeExecution", "states:StopExecution"], [executions]),
            policy.allow(
                ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                [arn("events", f"rule/{_RETRAINED_RULE}")],
            ),
        ]

    def definition(self, **given: Any) -> str:
        return search_definition(**given, retrain=self._tuning.retrain.enabled)

    @property
    def _machine_arn(self) -> str:
        return arn("states", f"stateMachine:{self._job_machine}")


class TuningJob(Launchable):
    """Searches the best hyperparameters of a job: checks first, watches the first trials, accounts for all of them.

    A `TrainingJob` whose definition has `[tuning]` makes one of itself, as its `search`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: JobSpec,
        job: LaunchedJob,
        image: JobImage | None,
        network: Placement | None,
        runtime: JobRuntime,
    ) -> None:
        """`job` is the training job's own launch, whose parameters and role the trials share."""
        super().__init__(scope, construct_id)
        self._kind = _Search(spec, job_machine=job.machine_name)
        self._launched = LaunchedJob(
            self,
            self._kind,
            image=image,
            network=network,
            runtime=runtime,
            role=None,
            instance_types=(),
            beside=job,
        )
        self.machine_name, self.machine_arn = self._launched.machine_name, self._launched.machine_arn
        self.machine, self.alarm = self._launched.machine, self._launched.alarm
        self.log_group = self._launched.log_group

    @property
    def spec(self) -> JobSpec:
        """The job's definition, with what was added to it."""
        return self._kind.spec

    def change(self, spec: JobSpec) -> None:
        """Search with another definition of the job, such as one with a further channel."""
        self._kind.spec = spec
        self._launched.write_anew()

    @property
    def role(self) -> iam.IRole:
        """What its trials run as."""
        return self._launched.role.view

    @property
    def counts(self) -> Mapping[str, int]:
        """How much of its stack's budgets it takes, besides its job."""
        return self._launched.counts

    @property
    def template_bytes(self) -> int:
        """About how long its part of the template is."""
        return self._launched.template_bytes
