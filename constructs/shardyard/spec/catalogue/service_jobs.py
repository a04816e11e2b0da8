"""The kinds of SageMaker jobs that a state machine launches: how the service names their operations and fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.names import job_noun

STATUSES_WHILE_RUNNING = ("InProgress", "Stopping")
"""The service spells the statuses of every kind alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceJob:
    """One kind of job, in the words of the service's API."""

    kind: str
    """The word in a job's file."""
    resource: str
    """The service's name for it: `CreateTrainingJob` makes a `TrainingJob`."""
    arn_part: str
    """The word in its ARN."""
    method: str
    """What boto3's methods end with."""
    command: str
    """What launches it: `yard train NAME`."""
    rule: str | None
    """The EventBridge rule by which Step Functions' `.sync` learns that a job has ended; None without a `.sync`."""
    event: str | None
    """The detail-type of the event that announces a change of its status; None where the service sends none."""
    console: str
    """The word in the console's address of one."""
    version: str = ""
    """What the newest operations that create and describe one end with."""
    runs: str = ""
    """The resource whose containers write its log, where that is another."""
    longest_name: int = 63
    """How many letters its name may have."""
    grace_seconds: int = 0
    """How long a launch lets the service keep its own limit of time before it stops a job itself."""

    @property
    def noun(self) -> str:
        """What people call it."""
        return job_noun(self.kind)

    @property
    def seconds_key(self) -> str:
        """The key in receipts of how long it ran."""
        return f"{self.kind}_seconds"

    @property
    def name_field(self) -> str:
        """The field of its name, in requests and answers."""
        return f"{self.resource}Name"

    @property
    def arn_field(self) -> str:
        """The field of its ARN."""
        return f"{self.resource}Arn"

    @property
    def status_field(self) -> str:
        """The field of its status."""
        return f"{self.resource}Status"

    @property
    def log_group(self) -> str:
        """Where its containers write."""
        return f"/aws/sagemaker/{self.runs or self.resource}s"

    @property
    def integration(self) -> str:
        """Step Functions' name for its creation."""
        return f"create{self.resource}{self.version}"

    def actions(self, *verbs: str) -> tuple[str, ...]:
        """The permissions to do something with one job: `Describe`, `Stop`."""
        return tuple(f"sagemaker:{verb}{self.resource}{self._version(verb)}" for verb in verbs)

    @property
    def list_action(self) -> str:
        """The permission to list the jobs of the kind."""
        return f"sagemaker:List{self.resource}s"

    def describe(self, sagemaker: Any, name: str) -> dict[str, Any]:
        """Describe a job."""
        return dict(self._call(sagemaker, "describe", {self.name_field: name}))

    def stop(self, sagemaker: Any, name: str) -> None:
        """Ask the service to stop a job."""
        self._call(sagemaker, "stop", {self.name_field: name})

    def create(self, sagemaker: Any, request: Mapping[str, Any]) -> None:
        """Create a job."""
        self._call(sagemaker, "create", request)

    def page(self, sagemaker: Any, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
        """One page of a list: its summaries, and the token of the next."""
        answer = getattr(sagemaker, f"list_{self.method}s")(**query)
        return answer[f"{self.resource}Summaries"], answer.get("NextToken")

    def _call(self, sagemaker: Any, verb: str, request: Mapping[str, Any]) -> Any:
        version = self._version(verb.capitalize()).lower()
        return getattr(sagemaker, f"{verb}_{self.method}{f'_{version}' if version else ''}")(**request)

    def _version(self, verb: str) -> str:
        return self.version if verb in ("Create", "Describe") else ""


TRAINING = ServiceJob(
    kind="training",
    resource="TrainingJob",
    arn_part="training-job",
    method="training_job",
    command="train",
    rule="StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    event="SageMaker Training Job State Change",
    console="jobs",
)
PROCESSING = ServiceJob(
    kind="processing",
    resource="ProcessingJob",
    arn_part="processing-job",
    method="processing_job",
    command="run",
    rule="StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    event="SageMaker Processing Job State Change",
    console="processing-jobs",
)
TUNING = ServiceJob(
    kind="tuning",
    resource="HyperParameterTuningJob",
    arn_part="hyper-parameter-tuning-job",
    method="hyper_parameter_tuning_job",
    command="tune",
    rule="StepFunctionsGetEventsForSageMakerHyperParameterTuningJobsRule",
    event="SageMaker HyperParameter Tuning Job State Change",
    console="hyper-tuning-jobs",
)
"""A search: not a kind of file, but what a training job with `[tuning]` launches as well."""
TRANSFORM = ServiceJob(
    kind="transform",
    resource="TransformJob",
    arn_part="transform-job",
    method="transform_job",
    command="run",
    rule="StepFunctionsGetEventsForSageMakerTransformJobsRule",
    event="SageMaker Transform Job State Change",
    console="transform-jobs",
)
AUTOML = ServiceJob(
    kind="automl",
    resource="AutoMLJob",
    arn_part="automl-job",
    method="auto_ml_job",
    command="run",
    rule=None,
    event=None,
    console="auto-ml-jobs",
    version="V2",
    runs="TrainingJob",
    longest_name=32,
    grace_seconds=900,
)
"""Amazon SageMaker Autopilot's: a search of the service's own, over jobs that it names itself."""
SERVICE_JOBS: Mapping[str, ServiceJob] = {one.kind: one for one in (TRAINING, PROCESSING, TUNING, TRANSFORM, AUTOML)}
"""Every kind that can be launched, by the word in a job's file and in a run's record."""


def of_run(run: Mapping[str, Any]) -> ServiceJob:
    """The kind that a run launches; a run from before there was more than one says none."""
    return SERVICE_JOBS[run.get("kind", TRAINING.kind)]
