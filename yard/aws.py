"""The account that the command works with: on AWS, or the embedded cloud's."""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shardyard.spec import names
from yard.errors import UserError
from yard.project import Project

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True)
class Aws:
    """Clients and stack outputs of one account and region. boto3 is loaded on first use."""

    project: Project
    _clients: dict[str, Any] = field(default_factory=dict)
    _outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @functools.cached_property
    def session(self) -> "boto3.Session":
        """The ordinary session (profile, environment, sign-in), plus AWS_REGION, which boto3 does not read."""
        import boto3

        return boto3.Session(region_name=os.environ.get("AWS_REGION"))

    def client(self, service: str) -> Any:
        """A client that retries what may be retried."""
        if service not in self._clients:
            from botocore.config import Config

            config = Config(retries={"mode": "standard", "max_attempts": 5})
            self._clients[service] = self.session.client(service, config=config)
        return self._clients[service]

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the embedded cloud, or None on AWS."""
        return os.environ.get("AWS_ENDPOINT_URL")

    @functools.cached_property
    def _identity(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.client("sts").get_caller_identity()
        return found

    @property
    def account(self) -> str:
        """The twelve digits of the account."""
        return str(self._identity["Account"])

    @property
    def caller(self) -> str:
        """The ARN of the user or the role session whose credentials are used."""
        return str(self._identity["Arn"])

    @property
    def region(self) -> str:
        """The session's region. Regional services refuse to work without one; STS would invent one."""
        return str(self.client("stepfunctions").meta.region_name)

    def outputs(self, part: str) -> Mapping[str, str]:
        """The outputs of one of the project's stacks, or an error that says how to deploy it."""
        from botocore.exceptions import ClientError

        if part in self._outputs:
            return self._outputs[part]
        name = self.project.stack_name(part)
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                raise UserError(
                    f"The stack {name} is not deployed in {self.region} of account {self.account}.",
                    f"Deploy it: {self.project.deploy}. Or choose the region where it is: AWS_REGION.",
                ) from None
            raise
        self._outputs[part] = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return self._outputs[part]

    def output(self, part: str, key: str) -> str:
        """One output of a stack."""
        outputs = self.outputs(part)
        if key not in outputs:
            raise UserError(
                f"The stack {self.project.stack_name(part)} has no output {key}; it was deployed by an older version.",
                f"Deploy it again: {self.project.deploy}",
            )
        return outputs[key]

    def artifact_bucket(self) -> str:
        """The bucket of models, receipts, checkpoints and source bundles."""
        return self.output("storage", "ArtifactBucketName")

    def data_bucket(self) -> str:
        """The bucket of the channels' data."""
        return self.output("storage", "DataBucketName")

    def state_machine_arn(self, job: str) -> str:
        """The state machine that launches a job. Its first use shows whether it is deployed."""
        name = self.project.state_machine_name(job)
        return f"arn:{self.partition}:states:{self.region}:{self.account}:stateMachine:{name}"

    def search_machine_arn(self, job: str) -> str:
        """The state machine that searches a job's hyperparameters."""
        return names.search_machine_name(self.state_machine_arn(job))

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return str(self.session.get_partition_for_region(self.region))


def use_embedded_cloud(project: Project) -> None:
    """Point this process at the running embedded cloud, ignoring the user's AWS configuration files."""
    from embedded import lifecycle

    os.environ.update(lifecycle.env(project.root / lifecycle.DEFAULT_FOLDER))
