"""TrainingJob: one job definition becomes a state machine that launches it, guarded and explained."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import PARTITION
from shardyard.core.assets import add_file
from shardyard.core.parameters import add_parameter
from shardyard.core.project import Project
from shardyard.core.roles import THIS_ACCOUNT, service_role
from shardyard.foundation.permissions import pass_role
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import StorageBase
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_parts import execution_log_group, failed_alarm
from shardyard.jobs.job_permissions import channel_places, execution_statements, secret_arns
from shardyard.jobs.job_role import JobRole
from shardyard.jobs.late_addresses import embeddable, late_addresses
from shardyard.jobs.launchable import Launchable
from shardyard.jobs.runtime import JobRuntime
from shardyard.jobs.state_machine import definition
from shardyard.spec import names
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.data import Channel
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.stack_parameters import job_parameters, pascal
from shardyard.spec.requests.sfn_fields import unknown_to_step_functions
from shardyard.spec.requests.training import Deployment, to_request

ALWAYS_IN_REQUEST: Mapping[str, Any] = {"EnableManagedSpotTraining": False, "Environment": {}, "HyperParameters": {}}
"""Request fields that an override may bring in, so that every machine names them."""

_BYTES = 6_900
"""About what a job takes in a template besides its own policy; its definition lies in a file of its own."""
_REFERENCE_BYTES = 80
"""By how much a reference in a template is longer than CDK's token for it."""


class TrainingJob(Launchable):
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
        runtime = self._shared(spec.name, data=data, project=project, runtime=runtime, alerts=alerts)
        if source is not None:
            spec = spec.with_source(runtime.add_bundle(source))
        self._network, self._runtime, self._image = network, runtime, image
        self._places = runtime.places
        launcher = None if image is None else image.launcher
        self._launcher_sha256 = None if launcher is None else runtime.add_bundle(launcher)
        self._stack = cdk.Stack.of(self)
        self._channel_keys: tuple[str, ...] = ()
        self._is_given = role is not None
        self.spec = spec
        self.machine_name = names.state_machine_name(runtime.project.name, runtime.project.stage, spec.name)
        runtime.read_from(self._outside_buckets())
        runtime.look_for(secret_arns(spec))
        own_wait = spec.spot.give_up_seconds is not None
        self._second_path = own_wait or bool(unknown_to_step_functions(self._request()))
        self._instance_types = instance_types
        self.parameters = self._parameters()
        self._role = self._role_of_job(role)
        self.log_group = execution_log_group(
            self, self.machine_name, project=runtime.project, key_arn=runtime.log_key_arn
        )
        self._machine_role = self._role_of_machine()
        self.machine = self._machine()
        self.machine_arn = self.machine.attr_arn
        self.alarm = failed_alarm(self, self.machine_name, self.machine_arn, topic_arn=runtime.topic_arn)
        self._output()
        if spec.owner is not None:
            cdk.Tags.of(self).add("owner", spec.owner)
        self._runtime.jobs[self.name] = lambda: self._role.allow_only(self._statements())
        self._tell_shorter_names()
        if spec.deploy.launch:
            digest = hashlib.sha256(self._written.encode()).hexdigest()
            runtime.launch_on_deploy(self._stack, self.machine_arn, digest)

    def _shared(
        self,
        name: str,
        *,
        data: StorageBase,
        project: Project | None,
        runtime: JobRuntime | None,
        alerts: ITopicRef | None,
    ) -> JobRuntime:
        """The runtime that was given, or the project's, which its first job makes."""
        if runtime is None:
            if project is None:
                raise ValueError(f"{name}: give `project`, or the `runtime` that the jobs of a project share")
            runtime = JobRuntime.of(self, project, storage=data, alerts=alerts)
        elif project is not None or alerts is not None:
            raise ValueError(f"{name}: `project` and `alerts` are its runtime's where a `runtime` is given")
        if data is not runtime.storage:
            raise ValueError(
                f"{name}: `data` is not the storage that this project's jobs share ({runtime.storage.node.path}); "
                "give that one, and read from other buckets through channels"
            )
        return runtime

    def _role_of_job(self, given: iam.IRole | None) -> JobRole:
        role = JobRole(
            self,
            given=given,
            machine_name=self.machine_name,
            runtime=self._runtime,
            placement=self._network if self.spec.network.vpc else None,
            statements=self._statements(),
        )
        if given is not None and self._second_path:
            self._runtime.submit_with(role.arn)
        if self.spec.compute.training_plans:
            self._runtime.submit_on(self.spec.compute.training_plans)
        return role

    @property
    def deployment(self) -> Deployment:
        """What the deploy knows, as placeholders that CloudFormation fills in."""
        subnets = len(self._network.subnet_ids) if self._network is not None else 0
        groups = len(self._network.security_group_ids) if self._network is not None else 0
        return Deployment(
            project=self._runtime.project.name,
            stage=self._runtime.project.stage,
            data_bucket="${DataBucket}",
            artifact_bucket="${ArtifactBucket}",
            role_arn="${Role}",
            image_uri=None if self._image is None else "${Image}",
            kms_key_arn=None if self._places.key_arn is None else "${Key}",
            subnets=tuple(f"${{Subnet{number}}}" for number in range(subnets)),
            security_group_ids=tuple(f"${{SecurityGroup{number}}}" for number in range(groups)),
            launcher_sha256=self._launcher_sha256,
            tags=self._runtime.project.all_tags,
        )

    @property
    def role(self) -> iam.IRole:
        """What the job runs as: the role that was given, or its own; what others grant to it is added to it."""
        return self._role.view

    @property
    def second_path(self) -> bool:
        """Whether our own function creates the job and looks at it, in place of Step Functions' integration."""
        return self._second_path

    @property
    def name(self) -> str:
        """The job's name, which is its file's."""
        return self.spec.name

    @property
    def owner(self) -> str:
        """Who answers for the job: its own owner, else the project's."""
        return self.spec.owner if self.spec.owner is not None else self._runtime.project.tags.get("owner", "")

    @property
    def counts(self) -> dict[str, int]:
        """How much of its stack's budgets this job takes."""
        # Besides its role: the machine, its role and policy, its log group and its alarm
        return {"Parameters": len(self.parameters), "Outputs": 1, "Resources": 5 + self._role.resources}

    @property
    def template_bytes(self) -> int:
        """About how long its part of the template is."""
        policy_text = json.dumps(self._statements())
        return _BYTES + len(policy_text) + policy_text.count("${Token[") * _REFERENCE_BYTES

    def add_channel(self, name: str, channel: Channel, *, bucket: s3.IBucket | None = None) -> None:
        """Give the job one more input; its role may then read it.

        With a `bucket` the channel's `s3` is a prefix in it, and the bucket's key may be used, where CDK knows it.
        """
        if bucket is not None:
            channel = self._in_bucket(name, channel, bucket)
        self.spec = replace(self.spec, channels={**self.spec.channels, name: channel})
        if unknown_to_step_functions(self._request()) and not self._second_path:
            raise SpecError([Problem(f"channel {name!r}", "needs the second path; write it into the job's file")])
        self._runtime.read_from(self._outside_buckets(), self._channel_keys)
        self._written = self._definition()
        self.machine.definition_s3_location = self._definition_file()
        self.machine.definition_substitutions = self._substitutions()
        self._role.allow_only(self._statements())

    def _parameters(self) -> dict[str, cdk.CfnParameter]:
        return {
            value: add_parameter(self._stack, parameter.name, parameter)
            for value, parameter in job_parameters(self.spec, self._instance_types).items()
        }

    def _request(self) -> dict[str, Any]:
        request = to_request(self.spec, self.deployment, job_name="name", run_id="run")
        return {**ALWAYS_IN_REQUEST, **request}

    def _definition(self) -> str:
        request = self._request()
        launch = {
            "definition": embeddable(self.spec),
            "deployment": self.deployment.to_dict(),
            "parameters": {value: f"${{{pascal(value)}}}" for value in self.parameters},
            "fields": sorted(request),
            "project_cap_usd": self._runtime.cap_usd,
            "dashboard": "${Dashboard}",
        }
        owner_cap = self._runtime.owner_cap_usd(self.owner)
        if owner_cap is not None:
            launch["owner_cap_usd"] = owner_cap
        if self._image is not None and self._image.folder is not None:
            launch["folder"] = self._image.folder
        return definition(
            job=self.spec.name,
            request_fields=sorted(request),
            launch=launch,
            second_path=self._second_path,
            register=self.spec.registry.enabled,
            tells=self._runtime.topic_arn is not None,
        )

    def _substitutions(self) -> dict[str, str]:
        """What CloudFormation puts into the definition; a name that the definition lacks is refused on AWS."""
        runtime, network = self._runtime, self._network
        values = {
            "Partition": PARTITION,
            "DataBucket": self._places.data_bucket,
            "ArtifactBucket": self._places.artifact_bucket,
            "Role": self._role.arn,
            **({} if self._places.key_arn is None else {"Key": self._places.key_arn}),
            **({} if runtime.topic_arn is None else {"Topic": runtime.topic_arn}),
            "Dashboard": runtime.dashboard_name,
            **{step.capitalize(): runtime.function_arn(step) for step in self._steps()},
            **{pascal(value): parameter.value_as_string for value, parameter in self.parameters.items()},
        }
        values |= late_addresses(self.spec)
        if self._image is not None:
            values["Image"] = self._image.uri
        if network is not None:
            values |= {f"Subnet{number}": subnet for number, subnet in enumerate(network.subnet_ids)}
            values |= {f"SecurityGroup{number}": group for number, group in enumerate(network.security_group_ids)}
        return values

    def _in_bucket(self, name: str, channel: Channel, bucket: s3.IBucket) -> Channel:
        if channel.s3 is None or channel.s3.startswith("s3://"):
            raise ValueError(
                f"{self.spec.name}: channel {name!r}: s3={channel.s3!r} is not allowed with a bucket; give the prefix "
                "in it, such as s3='train/'"
            )
        if bucket.encryption_key is not None:
            self._channel_keys = tuple(dict.fromkeys([*self._channel_keys, bucket.encryption_key.key_arn]))
        return replace(channel, s3=f"s3://{bucket.bucket_name}/{channel.s3}")

    def _outside_buckets(self) -> list[str]:
        return [bucket for bucket, _ in channel_places(self.spec) if bucket is not None]

    def _steps(self) -> list[str]:
        steps = ["preflight", "classify", "receipt"]
        if self.second_path:
            steps.append("submit")
        if self.spec.registry.enabled:
            steps.append("register")
        return steps

    def _machine(self) -> sfn.CfnStateMachine:
        self._written = self._definition()
        return sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=self.machine_name,
            role_arn=self._machine_role,
            definition_s3_location=self._definition_file(),
            definition_substitutions=self._substitutions(),
            logging_configuration={
                "level": "ALL",
                "includeExecutionData": True,
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": self.log_group.attr_arn}}],
            },
            tracing_configuration={"enabled": True},
        )

    def _definition_file(self) -> sfn.CfnStateMachine.S3LocationProperty:
        """The definition beside the template: in it, it would be half of all bytes."""
        text = self._written.encode()
        digest = hashlib.sha256(text).hexdigest()
        name = f"definition of {self.spec.name}"
        bucket, key = add_file(self, digest=digest, content=lambda: text, display_name=name, suffix=".json")
        return sfn.CfnStateMachine.S3LocationProperty(bucket=bucket, key=key)

    def _statements(self) -> list[policy.Statement]:
        """What this job alone may do."""
        # A role that a team gave may serve several jobs, and a denial would hold for all of them
        longer = [] if self._is_given else [name for name in self._runtime.jobs if name.startswith(f"{self.name}-")]
        own = execution_statements(self.spec, places=self._places, image=self._image, longer_names=longer)
        return [*own, *([policy.allow(["kms:Decrypt"], self._channel_keys)] if self._channel_keys else [])]

    def _tell_shorter_names(self) -> None:
        """Jobs whose names begin like this one's were made without knowing of it."""
        for name, write_anew in self._runtime.jobs.items():
            if self.name.startswith(f"{name}-"):
                write_anew()

    def _role_of_machine(self) -> iam.CfnRole:
        _, role = service_role(
            self,
            "Machine",
            project=self._runtime.project,
            service="states.amazonaws.com",
            when=THIS_ACCOUNT,
            allows=f"Runs the state machine {self.machine_name}",
            description=f"Runs the state machine {self.machine_name}",
            statements=[pass_role([self._role.arn], to="sagemaker.amazonaws.com")],
            shared_policy_arns=[self._runtime.launch_policy_arn],
        )
        return role

    def _output(self) -> None:
        """How the job is launched, from the CLI and without it."""
        cdk.CfnOutput(
            self._stack,
            f"{pascal(self.spec.name)}Launch",
            value=f"aws stepfunctions start-execution --state-machine-arn {self.machine_arn} --input '{{}}'",
            description=f"Launches {self.spec.name}; so does: yard train {self.spec.name}",
        )
