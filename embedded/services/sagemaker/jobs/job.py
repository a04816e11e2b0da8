"""What surrounds a job's nodes needs to know this much of the job, whatever its kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from embedded.nodes.folder_sync import Synced

TERMINAL = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobKind:
    """A kind of job, by the word that all of SageMaker's names for it are made from."""

    word: str
    """As in DescribeTrainingJob: Training."""

    @property
    def resource(self) -> str:
        """As in ARNs: training-job."""
        return f"{self.word.lower()}-job"

    @property
    def noun(self) -> str:
        """As in messages: training job."""
        return f"{self.word.lower()} job"

    @property
    def name_field(self) -> str:
        """The field that holds a job's name: TrainingJobName."""
        return f"{self.word}JobName"

    @property
    def log_group(self) -> str:
        """The log group of all jobs of this kind, which is the namespace of their metrics too."""
        return f"/aws/sagemaker/{self.word}Jobs"

    @property
    def detail_type(self) -> str:
        """The detail-type of the event that announces a change of status."""
        return f"SageMaker {self.word} Job State Change"


class Job(Protocol):
    """One job of one account in one region."""

    kind: JobKind
    account: str
    region: str
    name: str
    arn: str
    tags: list[dict[str, str]]
    modified: datetime
    status: str

    @property
    def role_arn(self) -> str:
        """The execution role."""

    @property
    def is_spot(self) -> bool:
        """Whether the job runs on spot instances."""

    @property
    def is_isolated(self) -> bool:
        """Whether its containers have no network but each other."""

    @property
    def channels(self) -> Sequence[Mapping[str, Any]]:
        """What the job reads, as an InputDataConfig tells it; each channel has its InputMode and its Folder."""

    @property
    def checkpoints(self) -> Mapping[str, Any] | None:
        """The CheckpointConfig."""

    def instances(self) -> list[tuple[str, str]]:
        """The instance type and the group's name of each host, in host order."""

    def synced(self) -> Iterator[Synced]:
        """The folders that are copied to S3 while the job runs."""

    def note_stopping(self, message: str) -> None:
        """Enter the status Stopping."""

    def announced(self) -> dict[str, Any]:
        """What the Describe operation answers, which is what an event tells."""


class PooledJob(Job, Protocol):
    """A job whose instances can be kept warm for another job."""

    warm_pool: dict[str, Any] | None
    """The WarmPoolStatus."""
    keep_alive_seconds: int
    """How long the instances are kept after the job; 0 for not at all."""

    @property
    def pool_key(self) -> Mapping[str, Any]:
        """What another job must have in common with this one to use its warm pool."""


class ModelJob(Job, Protocol):
    """A job that leaves a model."""

    model_artifacts: str | None
    """Where in S3 the model was uploaded to."""

    @property
    def output(self) -> Mapping[str, Any]:
        """The OutputDataConfig."""


class Container(Protocol):
    """How a job's containers are run: what AWS documents as the contract between the service and an image."""

    @property
    def image(self) -> str:
        """The image's URI."""

    @property
    def entrypoint(self) -> Sequence[str] | None:
        """What is run; None for the image's own entrypoint."""

    @property
    def arguments(self) -> Sequence[str] | None:
        """What follows the entrypoint; None for the image's own CMD."""

    def write(self, ml: Path, hosts: Sequence[str], host: str, interface: str) -> None:
        """Write the folders and files of one node; `ml` is its /opt/ml."""

    def environment(self, endpoint: str | None, credentials: Mapping[str, str]) -> dict[str, str]:
        """The container's variables; `endpoint` is None where the cloud cannot be reached."""


Listener = Callable[[Job], None]
_listeners: list[Listener] = []


def on_change(listener: Listener) -> None:
    """Have `listener` called after every change of a job's status."""
    _listeners.append(listener)


def changed(job: Job) -> None:
    """Tell the listeners that a job's status has changed."""
    for listener in _listeners:
        listener(job)
