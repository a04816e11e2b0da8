"""TransformJob: one job definition becomes a state machine that makes a Model, transforms with it, and deletes it."""

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
from shardyard.jobs.late_addresses import KindWithInputs
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.state_machine import TRANSFORM_TASK
from shardyard.jobs.transform_permissions import model_statements, outside_buckets, transform_statements
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.transform import model_request, to_request


class _Transform(KindWithInputs):
    """What is a transform job's own."""

    task = TRANSFORM_TASK
    spec: TransformSpec

    def __init__(self, spec: TransformSpec, *, places: Places, image: JobImage) -> None:
        super().__init__(spec)
        self._places, self._image = places, image

    def request(self, deployment: Deployment) -> dict[str, Any]:
        return to_request(self.spec, deployment, job_name="name", run_id="run")

    def model_fields(self, deployment: Deployment) -> list[str]:
        return sorted(model_request(self.spec, deployment, run_id="run", data_url="s3://bucket/model.tar.gz"))

    def machine_statements(self) -> list[policy.Statement]:
        return model_statements()

    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        # A run's own place ends its job's name with a slash, so longer names change nothing
        return transform_statements(self.spec, places=self._places, image=self._image)


class TransformJob(JobConstruct):
    """Launches one batch transform job through a state machine, of the same parts as a training job."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: TransformSpec,
        image: JobImage,
        data: StorageBase,
        network: Placement | None,
        role: iam.IRole | None = None,
        project: Project | None = None,
        runtime: JobRuntime | None = None,
        instance_types: Sequence[str] = (),
        alerts: ITopicRef | None = None,
    ) -> None:
        """What each parameter is, TrainingJob says."""
        super().__init__(scope, construct_id)
        runtime = shared_runtime(self, spec.name, data=data, project=project, runtime=runtime, alerts=alerts)
        kind = _Transform(spec, places=runtime.places, image=image)
        runtime.read_from(outside_buckets(spec))
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
