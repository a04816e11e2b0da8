"""AutoMLJob: one job definition becomes a state machine that has SageMaker look for a model, and waits for it.

Step Functions has no `.sync` for CreateAutoMLJobV2. Its SDK integrations know the API of some day, and a machine that
names an operation or a field that they do not know cannot be deployed: public reports tell of such a field of the first
version (FeatureSpecificationS3Uri). So the job takes the second path: our own function creates it, looks at it between
two waits and stops it when its time is over, and the janitor stops it when its execution is cut off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.project import Project
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import Places, StorageBase
from shardyard.jobs.automl.automl_permissions import automl_statements, outside_buckets
from shardyard.jobs.job_construct import JobConstruct, shared_runtime
from shardyard.jobs.late_addresses import KindWithInputs
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.state_machine import AUTOML_TASK
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.requests.automl import to_request
from shardyard.spec.requests.deployment import Deployment


class _AutoML(KindWithInputs):
    """What is an AutoML job's own."""

    task = AUTOML_TASK
    spec: AutoMLSpec

    def __init__(self, spec: AutoMLSpec, *, project: Project, places: Places) -> None:
        super().__init__(spec)
        self._project, self._places = project, places

    def needs_second_path(self, request: Mapping[str, Any]) -> bool:
        return True  # Step Functions has no task for it

    def request(self, deployment: Deployment) -> dict[str, Any]:
        return to_request(self.spec, deployment, job_name="name", run_id="run")

    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        # A run's own place ends its job's name with a slash, so longer names change nothing
        return automl_statements(self.spec, project=self._project, places=self._places)


class AutoMLJob(JobConstruct):
    """Launches one AutoML job through a state machine, of the same parts as a training job."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: AutoMLSpec,
        data: StorageBase,
        network: Placement | None,
        role: iam.IRole | None = None,
        project: Project | None = None,
        runtime: JobRuntime | None = None,
        instance_types: Sequence[str] = (),
        alerts: ITopicRef | None = None,
    ) -> None:
        """What each parameter is, TrainingJob says; a role that is given must be allowed to pass itself."""
        super().__init__(scope, construct_id)
        runtime = shared_runtime(self, spec.name, data=data, project=project, runtime=runtime, alerts=alerts)
        kind = _AutoML(spec, project=runtime.project, places=runtime.places)
        runtime.read_from(outside_buckets(spec))
        self._take(
            LaunchedJob(
                self,
                kind,
                image=None,
                network=network,
                runtime=runtime,
                role=role,
                instance_types=instance_types,
            )
        )
