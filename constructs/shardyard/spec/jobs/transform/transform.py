"""The transform job's definition: everything that its file in jobs/ can set, as frozen dataclasses."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.compute import Capacity
from shardyard.spec.jobs.launched import JOB_NAME, LaunchedSpec
from shardyard.spec.jobs.processing.inputs import PLACE, PLACE_SAYS
from shardyard.spec.jobs.processing.processing import Experiment
from shardyard.spec.jobs.transform.data import Batching, Capture, DataProcessing, TransformInput, TransformOutput
from shardyard.spec.run_ids import RUN_ID
from shardyard.spec.tree import setting

LATEST = "latest"
"""The newest run of a job that has completed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformModel:
    """The model is what a run has trained, or an archive in S3; a SageMaker Model of it lives as long as the launch."""

    run: str | None = setting(
        None,
        "A training job of this project and its run: `mnist-ddp:latest` is the newest that has completed.",
        pattern=rf"{JOB_NAME}:({LATEST}|{RUN_ID})",
        says="a job and one of its runs, such as mnist-ddp:latest",
    )
    s3: str | None = setting(
        None,
        "A model.tar.gz in one of the project's buckets, or a whole `s3://bucket/key`.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    bucket: Literal["data", "artifacts"] = setting("artifacts", "The bucket of a key.")

    def __post_init__(self) -> None:
        given = [name for name in ("run", "s3") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "it does not say which model"
            raise SpecError([Problem("", f"{said} (exactly one of run, s3)")])


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformCapacity(Capacity):
    """The job runs on one instance type, each instance with the model's container."""

    ami_version: str | None = setting(
        None,
        "The machine image, for another NVIDIA driver: `al2-ami-sagemaker-batch-gpu-535`.",
        pattern=r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*",
        says="letters, digits and hyphens",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformSpec(LaunchedSpec):
    """One batch transform job, as its author defined it."""

    kind: Literal["transform"] = setting(doc="What the job is: `transform`.")
    model: TransformModel = setting(doc="Which model answers: [model] with a run, or an archive in S3.")
    compute: TransformCapacity = setting(doc="The instances: [compute] with an instance_type.")
    inputs: dict[str, TransformInput] = setting(doc="The input by its name: one table such as [inputs.rows].")
    output: TransformOutput = setting(doc="Where results go.", factory=TransformOutput)
    batching: Batching = setting(doc="How records become requests.", factory=Batching)
    data_processing: DataProcessing = setting(doc="Filters and joins.", factory=DataProcessing)
    capture: Capture | None = setting(None, "What SageMaker keeps of requests and answers.")
    experiment: Experiment | None = setting(None, "Where SageMaker Experiments files the job.")
    tags: dict[str, str] = setting(doc="Tags of the transform job and its model.", factory=dict)

    @property
    def input(self) -> TransformInput:
        """The one input, which a rule asks for."""
        return next(iter(self.inputs.values()))
