"""ProcessingJob: one job definition becomes a state machine that launches it, guarded and explained."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.project import Project
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import Places, StorageBase
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_construct import JobConstruct, shared_runtime
from shardyard.jobs.job_permissions import secret_arns
from shardyard.jobs.late_addresses import KindWithInputs
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.processing_permissions import outside_inputs, processing_statements
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.state_machine import PROCESS
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.processing import to_request


class _Processing(KindWithInputs):
    """What is a processing job's own."""

    task = PROCESS
    tables = {"inputs": "Input", "outputs": "Output"}
    spec: ProcessingSpec

    def __init__(self, spec: ProcessingSpec, *, places: Places, image: JobImage) -> None:
        super().__init__(spec)
        self._places, self._image = places, image

    def request(self, deployment: Deployment) -> dict[str, Any]:
        return to_request(self.spec, deployment, job_name="name", run_id="run")

    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        return processing_statements(self.spec, places=self._places, image=self._image, longer_names=longer_names)


class ProcessingJob(JobConstruct):
    """Launches one processing job through a state machine, of the same parts as a training job."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: ProcessingSpec,
        image: JobImage,
        data: StorageBase,
        network: Placement | None,
        role: iam.IRole | None = None,
        source: bytes | None = None,
        project: Project | None = None,
        runtime: JobRuntime | None = None,
        instance_types: Sequence[str] = (),
        alerts: ITopicRef | None = None,
    ) -> None:
        """What each parameter is, TrainingJob says."""
        super().__init__(scope, construct_id)
        if (spec.source is None) != (source is None):
            raise ValueError(f"{spec.name}: `source` is given where the spec has [source], and nowhere else")
        runtime = shared_runtime(self, spec.name, data=data, project=project, runtime=runtime, alerts=alerts)
        if source is not None:
            spec = spec.with_source(runtime.add_bundle(source))
        kind = _Processing(spec, places=runtime.places, image=image)
        runtime.read_from(outside_inputs(spec))
        runtime.look_for(secret_arns(spec))
        self._take(
            LaunchedJob(
                self,
                kind,
                image=image,
                network=network,
                runtime=runtime,
                role=role,
                instance_types=instance_types,
            )
        )
