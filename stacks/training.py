"""The training stack: a state machine for each job. A job that names another stack gets that one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from shardyard.foundation.placement import Placement
from shardyard.foundation.storage import Storage
from shardyard.images.job_image import JobImage
from shardyard.images.job_source import source_bundle
from shardyard.jobs.automl.automl_job import AutoMLJob
from shardyard.jobs.automl.automl_permissions import outside_buckets as outside_automl
from shardyard.jobs.job_permissions import channel_places
from shardyard.jobs.launch_by_tag import LaunchByTag
from shardyard.jobs.processing_job import ProcessingJob
from shardyard.jobs.processing_permissions import outside_inputs
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.training_job import TrainingJob
from shardyard.jobs.transform_job import TransformJob
from shardyard.jobs.transform_permissions import outside_buckets as outside_transform
from shardyard.observability.sweeper import KINDS, Sweeper
from shardyard.spec import stack_limits
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, TUNING
from shardyard.spec.catalogue.support import support_warnings
from shardyard.spec.job_folder import image_variants
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules import Facts, accepted_instance_types
from shardyard.spec.settings.settings import Settings

from .base import ProjectStack

RUNTIME_STACK = "training"
"""The stack that holds what all jobs share."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What jobs stand on."""

    settings: Settings
    storage: Storage
    placement: Placement | None
    alerts: sns.CfnTopic
    """Where launches tell how they ended."""
    dashboard_name: str
    """The dashboard that receipts link to."""
    root: Path
    """The project's folder, with containers/ and the jobs' own code."""
    images: Mapping[str, IDependable] = field(default_factory=dict)
    """What a deploy must have built before jobs run it, by folder of containers/."""


class TrainingStack(ProjectStack):
    """Some jobs, and in the stack named `training` the functions behind all of them."""

    def __init__(
        self,
        scope: Construct,
        part: str,
        *,
        ground: Ground,
        jobs: Sequence[LaunchedSpec],
        runtime: JobRuntime | None,
        outside_buckets: Sequence[str] = (),
    ) -> None:
        """Without a `runtime` the stack makes it."""
        super().__init__(scope, part, settings=ground.settings, description="Training jobs")
        self._ground = ground
        self.runtime = runtime if runtime is not None else self._runtime(outside_buckets)
        if runtime is None and ground.settings.sweeper.enabled:
            self._sweeper()
        self.jobs = [self._job(spec) for spec in jobs]
        stack_limits.check(part, self.jobs)

    def _runtime(self, outside_buckets: Sequence[str]) -> JobRuntime:
        ground = self._ground
        return JobRuntime(
            self,
            "Runtime",
            project=self.project,
            storage=ground.storage,
            alerts=ground.alerts,
            cap_usd=ground.settings.training.cap_usd,
            owner_caps=ground.settings.budget.per_owner,
            dashboard_name=ground.dashboard_name,
            outside_buckets=outside_buckets,
        )

    def _sweeper(self) -> None:
        sweeper, ground = self._ground.settings.sweeper, self._ground
        Sweeper(
            self,
            "Sweeper",
            project=self.project,
            key=ground.storage.key,
            topic=ground.alerts,
            stops=_stops(ground.settings),
            every_hours=sweeper.every_hours,
            notebook_hours=sweeper.notebook_hours,
            endpoint_idle_hours=sweeper.endpoint_idle_hours,
            job_hours=sweeper.job_hours,
            warm_pool_minutes=sweeper.warm_pool_minutes,
        )

    def _image(self, spec: LaunchedSpec) -> JobImage | None:
        image = JobImage.of(self, spec, project=self.project, root=self._ground.root)
        for name, text in support_warnings(spec, {} if image is None else image.bases, date.today()):
            cdk.Annotations.of(self).add_warning_v2(f"shardyard:{name}", text)
        if image is None or image.folder is None:
            return image
        return replace(image, built=self._ground.images.get(image.folder))

    def _job(self, spec: LaunchedSpec) -> TrainingJob | ProcessingJob | TransformJob | AutoMLJob:
        ground = self._ground
        if isinstance(spec, AutoMLSpec):
            return AutoMLJob(
                self,
                spec.name,
                spec=spec,
                data=ground.storage,
                network=ground.placement,
                runtime=self.runtime,
                instance_types=_accepted(spec, None),
            )
        image = self._image(spec)
        source = None if spec.source is None else source_bundle(ground.root, spec.source.dir)
        if isinstance(spec, ProcessingSpec):
            assert image is not None, "a rule refuses an algorithm"
            return ProcessingJob(
                self,
                spec.name,
                spec=spec,
                image=image,
                data=ground.storage,
                network=ground.placement,
                source=source,
                runtime=self.runtime,
                instance_types=_accepted(spec, image_variants(spec, ground.root)),
            )
        if isinstance(spec, TransformSpec):
            assert image is not None, "a rule refuses an algorithm"
            return TransformJob(
                self,
                spec.name,
                spec=spec,
                image=image,
                data=ground.storage,
                network=ground.placement,
                runtime=self.runtime,
                instance_types=_accepted(spec, image_variants(spec, ground.root)),
            )
        assert isinstance(spec, JobSpec), spec.kind
        return TrainingJob(
            self,
            spec.name,
            spec=spec,
            image=image,
            data=ground.storage,
            network=ground.placement,
            source=source,
            runtime=self.runtime,
            instance_types=_accepted(spec, image_variants(spec, ground.root)),
        )


def _stops(settings: Settings) -> list[str]:
    """The kinds of leftovers that the sweeper may stop."""
    sweeper = settings.sweeper
    if sweeper.stops == "never" or (sweeper.stops == "by-stage" and settings.stage != "dev"):
        return []
    asked = {
        TRAINING.noun: sweeper.stops_jobs,
        PROCESSING.noun: sweeper.stops_jobs,
        TRANSFORM.noun: sweeper.stops_jobs,
        AUTOML.noun: sweeper.stops_jobs,
        TUNING.noun: sweeper.stops_jobs,
        "warm pool": sweeper.ends_warm_pools,
    }
    return [kind for kind in KINDS if asked.get(kind, True)]


def _outside_buckets(spec: LaunchedSpec) -> list[str]:
    """The buckets that a job reads besides the project's own."""
    if isinstance(spec, JobSpec):
        return [bucket for bucket, _ in channel_places(spec) if bucket is not None]
    if isinstance(spec, TransformSpec):
        return outside_transform(spec)
    if isinstance(spec, AutoMLSpec):
        return outside_automl(spec)
    return outside_inputs(spec) if isinstance(spec, ProcessingSpec) else []


_known: dict[str, tuple[str, ...]] = {}


def _accepted(spec: LaunchedSpec, variants: tuple[str, ...] | None) -> tuple[str, ...]:
    """The types that the job's rules accept; jobs that differ in nothing but their names share the answer."""
    same = json.dumps([{**spec.to_dict(), "name": "", "description": "", "stack": ""}, variants])
    if same not in _known:
        _known[same] = accepted_instance_types(spec, Facts(image_variants=variants))
    return _known[same]


def training_stacks(scope: Construct, *, ground: Ground, jobs: Sequence[LaunchedSpec]) -> dict[str, TrainingStack]:
    """The training stack, and one for each other that a job names, by part."""
    outside = sorted({bucket for spec in jobs for bucket in _outside_buckets(spec)})
    by_part: dict[str, list[LaunchedSpec]] = {RUNTIME_STACK: []}
    for spec in jobs:
        by_part.setdefault(spec.stack, []).append(spec)
    first = TrainingStack(
        scope, RUNTIME_STACK, ground=ground, jobs=by_part.pop(RUNTIME_STACK), runtime=None, outside_buckets=outside
    )
    if ground.settings.identity.launch_tag:
        LaunchByTag(
            first,
            "LaunchByTag",
            project=first.project,
            storage=ground.storage,
            tag=ground.settings.identity.launch_tag,
        )
    others = {
        part: TrainingStack(scope, part, ground=ground, jobs=some, runtime=first.runtime)
        for part, some in sorted(by_part.items())
    }
    return {RUNTIME_STACK: first, **others}
