"""TrainingJob: one job definition becomes a state machine that launches it, guarded and explained."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.project import Project
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import Places, StorageBase
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_construct import JobConstruct, shared_runtime
from shardyard.jobs.job_permissions import channel_places, execution_statements, secret_arns
from shardyard.jobs.late_addresses import embeddable, late_addresses
from shardyard.jobs.launched_job import LaunchedJob
from shardyard.jobs.launched_kind import LaunchedKind
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.state_machine import TRAIN
from shardyard.jobs.tuning.tuning_job import TuningJob
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.data import Channel
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.any_kind import request_of
from shardyard.spec.requests.deployment import Deployment


class _Training(LaunchedKind):
    """What is a training job's own."""

    task = TRAIN
    spec: JobSpec

    def __init__(self, spec: JobSpec, *, places: Places, image: JobImage | None) -> None:
        super().__init__(spec)
        self._places, self._image = places, image
        self.registers = spec.registry.enabled
        self.channel_keys: tuple[str, ...] = ()

    def request(self, deployment: Deployment) -> dict[str, Any]:
        return request_of(self.spec, deployment, job_name="name", run_id="run")

    def needs_second_path(self, request: Mapping[str, Any]) -> bool:
        # A wait for spot capacity of its own, too: a timeout of the `.sync` state would count the training
        return self.spec.spot.give_up_seconds is not None or super().needs_second_path(request)

    def embeddable(self) -> dict[str, Any]:
        return embeddable(replace(self.spec, tuning=None))  # a launch of the job itself knows of no search

    def late_addresses(self) -> dict[str, str]:
        return late_addresses(self.spec)

    def statements(self, longer_names: Sequence[str]) -> list[policy.Statement]:
        own = execution_statements(self.spec, places=self._places, image=self._image, longer_names=longer_names)
        return [*own, *([policy.allow(["kms:Decrypt"], self.channel_keys)] if self.channel_keys else [])]

    @property
    def outside_buckets(self) -> list[str]:
        """The buckets that it reads besides the project's own."""
        return [bucket for bucket, _ in channel_places(self.spec) if bucket is not None]


class TrainingJob(JobConstruct):
    """Launches one training job through a state machine: checks first, tries again where that helps, accounts for it.

    At most eight resources, in few calls: forty of these must fit into one stack and synthesise in about a second.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: JobSpec,
        image: JobImage | None,
        data: StorageBase,
        network: Placement | None,
        role: iam.IRole | None = None,
        source: bytes | None = None,
        project: Project | None = None,
        runtime: JobRuntime | None = None,
        instance_types: Sequence[str] = (),
        alerts: ITopicRef | None = None,
    ) -> None:
        """`image` is None for a job that names an algorithm; `instance_types` are those that its parameter takes.

        `source` is the bundle of a job's own code (`job_source.source_bundle`), for a spec with `[source]`. A job is
        given the `runtime` that jobs share, or a `project`, whose first job makes the runtime for all in its app;
        launches then tell how they ended on the first job's `alerts`, or to nobody.
        """
        super().__init__(scope, construct_id)
        if (spec.source is None) != (source is None):
            raise ValueError(f"{spec.name}: `source` is given where the spec has [source], and nowhere else")
        runtime = shared_runtime(self, spec.name, data=data, project=project, runtime=runtime, alerts=alerts)
        if source is not None:
            spec = spec.with_source(runtime.add_bundle(source))
        self._runtime = runtime
        self._kind = _Training(spec, places=runtime.places, image=image)
        runtime.read_from(self._kind.outside_buckets)
        runtime.look_for(secret_arns(spec))
        self._take(
            LaunchedJob(
                self,
                self._kind,
                image=image,
                network=network,
                runtime=runtime,
                role=role,
                instance_types=instance_types,
            )
        )
        if spec.compute.training_plans:
            runtime.submit_on(spec.compute.training_plans)
        self.search = (
            None
            if spec.tuning is None
            else TuningJob(self, "Search", spec=spec, job=self._launched, image=image, network=network, runtime=runtime)
        )

    @property
    def spec(self) -> JobSpec:
        """The job's definition, with what was added to it."""
        return self._kind.spec

    @property
    def counts(self) -> dict[str, int]:
        """How much of its stack's budgets this job takes."""
        own, search = super().counts, {} if self.search is None else self.search.counts
        return {what: count + search.get(what, 0) for what, count in own.items()}

    @property
    def template_bytes(self) -> int:
        """About how long its part of the template is."""
        return super().template_bytes + (0 if self.search is None else self.search.template_bytes)

    def add_channel(self, name: str, channel: Channel, *, bucket: s3.IBucket | None = None) -> None:
        """Give the job one more input; its role may then read it.

        With a `bucket` the channel's `s3` is a prefix in it, and the bucket's key may be used, where CDK knows it.
        """
        if bucket is not None:
            channel = self._in_bucket(name, channel, bucket)
        self._kind.spec = replace(self.spec, channels={**self.spec.channels, name: channel})
        if not self.second_path and self._launched.needs_second_path():
            raise SpecError([Problem(f"channel {name!r}", "needs the second path; write it into the job's file")])
        self._runtime.read_from(self._kind.outside_buckets, self._kind.channel_keys)
        self._launched.write_anew()
        if self.search is not None:
            self.search.change(self.spec)

    def _in_bucket(self, name: str, channel: Channel, bucket: s3.IBucket) -> Channel:
        if channel.s3 is None or channel.s3.startswith("s3://"):
            raise ValueError(
                f"{self.spec.name}: channel {name!r}: s3={channel.s3!r} is not allowed with a bucket; give the prefix "
                "in it, such as s3='train/'"
            )
        if bucket.encryption_key is not None:
            keys = [*self._kind.channel_keys, bucket.encryption_key.key_arn]
            self._kind.channel_keys = tuple(dict.fromkeys(keys))
        return replace(channel, s3=f"s3://{bucket.bucket_name}/{channel.s3}")
