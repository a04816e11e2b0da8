"""What every kind of launched job is made of: parameters, role, log group, state machine, alarm, output."""

import hashlib
import json
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import PARTITION
from shardyard.core.assets import add_file
from shardyard.core.parameters import add_parameter
from shardyard.core.roles import THIS_ACCOUNT, service_role
from shardyard.foundation.permissions import pass_role
from shardyard.foundation.placement import Placement
from shardyard.images.job_image import JobImage
from shardyard.jobs.job_parts import execution_log_group, failed_alarm
from shardyard.jobs.job_role import JobRole
from shardyard.jobs.launched_kind import LaunchedKind
from shardyard.jobs.runtime import JobRuntime
from shardyard.spec import names
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.stack_parameters import job_parameters, pascal
from shardyard.spec.requests.deployment import Deployment

_BYTES = 6_900
"""About what a job takes in a template besides its own policy; its definition lies in a file of its own."""
_REFERENCE_BYTES = 80
"""By how much a reference in a template is longer than CDK's token for it."""


class LaunchedJob:
    """The resources of one job, made as children of its construct: their ids are a contract."""

    def __init__(
        self,
        job: Construct,
        kind: LaunchedKind,
        *,
        image: JobImage | None,
        network: Placement | None,
        runtime: JobRuntime,
        role: iam.IRole | None,
        instance_types: Sequence[str],
        beside: "LaunchedJob | None" = None,
    ) -> None:
        """`instance_types` are those that the job's parameter takes.

        What is launched `beside` a job, such as its search, shares that one's parameters and role.
        """
        spec = kind.spec
        self._beside = beside
        self._job, self._kind, self._image, self._runtime = job, kind, image, runtime
        self._network = network
        self._stack = cdk.Stack.of(job)
        self._is_given = role is not None
        launcher = None if image is None else image.launcher
        self._launcher_sha256 = None if launcher is None else runtime.add_bundle(launcher)
        runtime.serve(kind.task.of)
        self.second_path = self.needs_second_path()
        self.machine_name = names.state_machine_name(runtime.project.name, runtime.project.stage, spec.name)
        if beside is None:
            self.parameters = {
                value: add_parameter(self._stack, parameter.name, parameter)
                for value, parameter in job_parameters(spec, instance_types).items()
            }
            self.role = self._role(role, network if spec.network.vpc else None)
        else:
            self.machine_name = names.search_machine_name(self.machine_name)
            self.parameters, self.role = beside.parameters, beside.role
        if self.second_path and self.role.is_given:
            runtime.submit_with(self.role.arn)
        self.log_group = execution_log_group(
            job, self.machine_name, project=runtime.project, key_arn=runtime.log_key_arn
        )
        self._machine_role = self._role_of_machine()
        self.machine = self._machine()
        if image is not None and image.built is not None:
            self.machine.node.add_dependency(image.built)
        self.machine_arn: str = self.machine.attr_arn
        self.alarm = failed_alarm(job, self.machine_name, self.machine_arn, topic_arn=runtime.topic_arn)
        self._output()
        if spec.owner is not None:
            cdk.Tags.of(job).add("owner", spec.owner)
        if beside is not None:
            return
        runtime.jobs[spec.name] = lambda: self.role.allow_only(self._statements())
        self._tell_shorter_names()
        if spec.deploy.launch:
            digest = hashlib.sha256(self._written.encode()).hexdigest()
            runtime.launch_on_deploy(self._stack, self.machine_arn, digest)

    def _role(self, given: iam.IRole | None, placement: Placement | None) -> JobRole:
        return JobRole(
            self._job,
            given=given,
            machine_name=self.machine_name,
            runtime=self._runtime,
            of=self._kind.task.of,
            placement=placement,
            statements=self._statements(),
        )

    def needs_second_path(self) -> bool:
        """Whether our own function has to create the job and look at it, in place of Step Functions' integration."""
        return self._kind.needs_second_path(self._kind.request(self.deployment))

    @property
    def spec(self) -> LaunchedSpec:
        """The job's definition, with what was added to it."""
        return self._kind.spec

    @property
    def deployment(self) -> Deployment:
        """What the deploy knows, as placeholders that CloudFormation fills in."""
        image, network, project = self._image, self._network, self._runtime.project
        subnets = len(network.subnet_ids) if network is not None else 0
        groups = len(network.security_group_ids) if network is not None else 0
        return Deployment(
            project=project.name,
            stage=project.stage,
            data_bucket="${DataBucket}",
            artifact_bucket="${ArtifactBucket}",
            role_arn="${Role}",
            image_uri=None if image is None else "${Image}",
            image_bases={} if image is None else dict(image.bases),
            kms_key_arn=None if self._runtime.places.key_arn is None else "${Key}",
            subnets=tuple(f"${{Subnet{number}}}" for number in range(subnets)),
            security_group_ids=tuple(f"${{SecurityGroup{number}}}" for number in range(groups)),
            launcher_sha256=self._launcher_sha256,
            tags=project.all_tags,
        )

    @property
    def owner(self) -> str:
        """Who answers for the job: its own owner, else the project's."""
        spec = self._kind.spec
        return spec.owner if spec.owner is not None else self._runtime.project.tags.get("owner", "")

    @property
    def counts(self) -> dict[str, int]:
        """How much of its stack's budgets this job takes."""
        # Besides its role: the machine, its role and policy, its log group and its alarm
        if self._beside is not None:
            return {"Parameters": 0, "Outputs": 1, "Resources": 5}
        return {"Parameters": len(self.parameters), "Outputs": 1, "Resources": 5 + self.role.resources}

    @property
    def template_bytes(self) -> int:
        """About how long its part of the template is."""
        policy_text = json.dumps(self._statements())
        return _BYTES + len(policy_text) + policy_text.count("${Token[") * _REFERENCE_BYTES

    def write_anew(self) -> None:
        """After a change of the job: its machine's definition and what it may do."""
        self._written = self._definition()
        self.machine.definition_s3_location = self._definition_file()
        self.machine.definition_substitutions = self._substitutions()
        if self._beside is None:
            self.role.allow_only(self._statements())

    def _definition(self) -> str:
        kind, deployment = self._kind, self.deployment
        request_fields = sorted(kind.request(deployment))
        launch = {
            "definition": kind.embeddable(),
            "deployment": deployment.to_dict(),
            "parameters": {value: f"${{{pascal(value)}}}" for value in self.parameters},
            "fields": request_fields,
            "project_cap_usd": self._runtime.cap_usd,
            "dashboard": "${Dashboard}",
        }
        owner_cap = self._runtime.owner_cap_usd(self.owner)
        if owner_cap is not None:
            launch["owner_cap_usd"] = owner_cap
        if self._image is not None and self._image.folder is not None:
            launch["folder"] = self._image.folder
        modelled = kind.model_fields(deployment)
        if modelled:
            launch["model_fields"] = modelled
        return kind.definition(
            job=kind.spec.name,
            task=kind.task,
            request_fields=request_fields,
            launch=launch,
            second_path=self.second_path,
            register=kind.registers,
            tells=self._runtime.topic_arn is not None,
            **({"model_fields": modelled} if modelled else {}),
        )

    def _substitutions(self) -> dict[str, str]:
        """What CloudFormation puts into the definition; a name that the definition lacks is refused on AWS."""
        runtime, network, places = self._runtime, self._network, self._runtime.places
        values = {
            "Partition": PARTITION,
            "DataBucket": places.data_bucket,
            "ArtifactBucket": places.artifact_bucket,
            "Role": self.role.arn,
            **({} if places.key_arn is None else {"Key": places.key_arn}),
            **({} if runtime.topic_arn is None else {"Topic": runtime.topic_arn}),
            "Dashboard": runtime.dashboard_name,
            **{step.capitalize(): runtime.function_arn(step) for step in self._steps()},
            **{pascal(value): parameter.value_as_string for value, parameter in self.parameters.items()},
        }
        values |= self._kind.late_addresses()
        if self._image is not None:
            values["Image"] = self._image.uri
        if network is not None:
            values |= {f"Subnet{number}": subnet for number, subnet in enumerate(network.subnet_ids)}
            values |= {f"SecurityGroup{number}": group for number, group in enumerate(network.security_group_ids)}
        return values

    def _steps(self) -> list[str]:
        steps = ["preflight", "classify", "receipt"]
        if self.second_path or self._kind.is_watched:
            steps.append("submit")
        if self._kind.registers:
            steps.append("register")
        return steps

    def _machine(self) -> sfn.CfnStateMachine:
        self._written = self._definition()
        return sfn.CfnStateMachine(
            self._job,
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
        name = f"definition of {self._kind.spec.name}"
        bucket, key = add_file(self._job, digest=digest, content=lambda: text, display_name=name, suffix=".json")
        return sfn.CfnStateMachine.S3LocationProperty(bucket=bucket, key=key)

    def _statements(self) -> list[policy.Statement]:
        """What this job alone may do."""
        # A role that a team gave may serve several jobs, and a denial would hold for all of them
        start = f"{self._kind.spec.name}-"
        return self._kind.statements([] if self._is_given else [n for n in self._runtime.jobs if n.startswith(start)])

    def _tell_shorter_names(self) -> None:
        """Jobs whose names begin like this one's were made without knowing of it."""
        for name, write_anew in self._runtime.jobs.items():
            if self._kind.spec.name.startswith(f"{name}-"):
                write_anew()

    def _role_of_machine(self) -> iam.CfnRole:
        _, role = service_role(
            self._job,
            "Machine",
            project=self._runtime.project,
            service="states.amazonaws.com",
            when=THIS_ACCOUNT,
            allows=f"Runs the state machine {self.machine_name}",
            description=f"Runs the state machine {self.machine_name}",
            statements=[
                pass_role([self.role.arn], to="sagemaker.amazonaws.com"),
                *self._kind.machine_statements(),
            ],
            shared_policy_arns=[self._runtime.launch_policy_arn],
        )
        return role

    def _output(self) -> None:
        """How the job is launched, from the CLI and without it."""
        name, of = self._kind.spec.name, self._kind.task.of
        cdk.CfnOutput(
            self._stack,
            f"{pascal(name)}{'Launch' if self._beside is None else 'Search'}",
            value=f"aws stepfunctions start-execution --state-machine-arn {self.machine_arn} --input '{{}}'",
            description=f"Launches {name}; so does: yard {of.command} {name}",
        )
