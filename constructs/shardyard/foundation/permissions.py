"""What each role of the project may do, as the actions that SageMaker documents for each API."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, arn
from shardyard.core.project import Project
from shardyard.foundation.ecr import Registry
from shardyard.foundation.placement import Placement
from shardyard.foundation.storage_base import StorageBase
from shardyard.spec import names

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")

_CODECOMMIT = re.compile(r"https://git-codecommit\.(?P<region>[a-z0-9-]+)\.[^/]+/v1/repos/(?P<name>[\w.-]+)")


SEARCHES = arn("sagemaker", "hyper-parameter-tuning-job/*")
SEARCH_READS = ("sagemaker:DescribeHyperParameterTuningJob", "sagemaker:ListTrainingJobsForHyperParameterTuningJob")
"""What `yard tune` shows of a search."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Statements about this project's things, for roles that need them."""

    project: Project
    """Names the log groups and state machines."""
    storage: StorageBase
    """The buckets and the key."""
    registry: Registry | None
    """The repositories; None for roles whose images are named elsewhere."""
    placement: Placement | None
    """The VPC that jobs run in; None outside one."""

    def training(self) -> list[policy.Statement]:
        """CreateTrainingJob's list: data in, artifacts out, image, logs, metrics, network, key."""
        data, artifacts = self.storage.places.data_arn, self.storage.places.artifact_arn
        return [
            policy.allow(["s3:GetBucketLocation", "s3:ListBucket"], [data, artifacts]),
            policy.allow(["s3:GetObject"], [f"{data}/*"]),
            policy.allow(
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                [f"{artifacts}/checkpoints/*", f"{artifacts}/runs/*"],
            ),
            policy.allow(["s3:GetObject"], [f"{artifacts}/source/*"]),
            *self.use_key(),
            *self.pull_images(),
            self.write_logs("/aws/sagemaker/TrainingJobs"),
            self.publish_metrics(),
            *self.join_network(),
        ]

    def notebook(
        self, *, training_role_arn: str, git_secret_arn: str | None, git_urls: Sequence[str]
    ) -> list[policy.Statement]:
        """Read and write data, launch jobs, look at them, stop this project's notebooks."""
        data, artifacts = self.storage.places.data_arn, self.storage.places.artifact_arn
        machines = names.state_machine_name(self.project.name, self.project.stage, "*")
        jobs = arn("sagemaker", "training-job/*")
        return [
            policy.allow(["s3:GetBucketLocation", "s3:ListBucket"], [data, artifacts]),
            policy.allow(
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                [f"{data}/*", f"{artifacts}/*"],
            ),
            *self.use_key(),
            *self.pull_images(),
            self.write_logs("/aws/sagemaker/NotebookInstances"),
            policy.allow(
                ["logs:FilterLogEvents", "logs:GetLogEvents"], [self._log_group("/aws/sagemaker/TrainingJobs")]
            ),
            policy.allow(
                ["states:DescribeStateMachine", "states:ListExecutions", "states:StartExecution"],
                [arn("states", f"stateMachine:{machines}")],
            ),
            policy.allow(
                ["states:DescribeExecution", "states:StopExecution"], [arn("states", f"execution:{machines}:*")]
            ),
            # A job made here carries the project's tags, so that it is watched; only such a job is stopped from here.
            # One on a training plan is created on the plan and on what it reserved, too.
            policy.allow(
                ["sagemaker:CreateTrainingJob"],
                [jobs, arn("sagemaker", "training-plan/*"), arn("sagemaker", "reserved-capacity/*")],
                when=self._tagged("RequestTag"),
            ),
            policy.allow(
                ["sagemaker:AddTags"], [jobs], when={"StringEquals": {"sagemaker:TaggingAction": "CreateTrainingJob"}}
            ),
            policy.allow(["sagemaker:StopTrainingJob"], [jobs], when=self._tagged("ResourceTag")),
            policy.allow(["sagemaker:DescribeTrainingJob"], [jobs]),
            policy.allow(SEARCH_READS, [SEARCHES]),
            # A list call takes no resource.
            policy.allow(["sagemaker:ListTrainingJobs"], ["*"]),
            policy.allow(
                ["sagemaker:DescribeNotebookInstance", "sagemaker:StopNotebookInstance"],
                [arn("sagemaker", f"notebook-instance/{self.project.prefix}-*")],
            ),
            pass_role([training_role_arn], to="sagemaker.amazonaws.com"),
            *self.clone_repositories(git_secret_arn, git_urls),
            *self.join_network(),
        ]

    def clone_repositories(self, secret_arn: str | None, urls: Sequence[str]) -> list[policy.Statement]:
        """What opens with a notebook: the secret of a private repository, and CodeCommit's repositories by name."""
        statements = []
        if secret_arn is not None:
            statements.append(policy.allow(["secretsmanager:GetSecretValue"], [secret_arn]))
        hosted = [match for match in map(_CODECOMMIT.match, urls) if match is not None]
        repositories = [arn("codecommit", one["name"], region=one["region"]) for one in hosted]
        if repositories:
            statements.append(policy.allow(["codecommit:GitPull", "codecommit:GitPush"], repositories))
        return statements

    def locate_buckets(self) -> policy.Statement:
        """Ask in which region the project's buckets are."""
        places = self.storage.places
        return policy.allow(["s3:GetBucketLocation"], list(dict.fromkeys([places.data_arn, places.artifact_arn])))

    def build(self) -> list[policy.Statement]:
        """Read a bundle, push an image, write a log."""
        artifacts = self.storage.places.artifact_arn
        return [
            policy.allow(["s3:GetObject"], [f"{artifacts}/source/*"]),
            *self.storage.places.use_keys("kms:Decrypt", "kms:GenerateDataKey"),
            *self.pull_images(push=True),
            self.write_logs(f"/aws/codebuild/{self.project.prefix}-*"),
        ]

    def use_key(self) -> list[policy.Statement]:
        """Read and write what the key encrypts, and let SageMaker attach encrypted volumes."""
        places = self.storage.places
        if places.key_arn is None:
            return places.use_keys("kms:Decrypt")
        return [
            *places.use_keys("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
            policy.allow(["kms:CreateGrant"], [places.key_arn], when={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        ]

    def pull_images(self, *, push: bool = False) -> list[policy.Statement]:
        """Pull this project's images, and push them where a role builds."""
        found = {} if self.registry is None else self.registry.repositories
        repositories = [repository.attr_arn for repository in found.values()]
        token = policy.allow(["ecr:GetAuthorizationToken"], ["*"])  # it is for the whole registry, by its nature
        if not repositories:
            return [token]
        return [token, policy.allow([*PULL, *PUSH] if push else PULL, repositories)]

    def write_logs(self, group: str) -> policy.Statement:
        """Write to one of the groups that SageMaker or CodeBuild makes."""
        return policy.allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [self._log_group(group)],
        )

    def publish_metrics(self) -> policy.Statement:
        """Publish metrics: the action takes no resource, so the namespace is the limit."""
        return policy.allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            when={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", names.METRICS_NAMESPACE]}},
        )

    def join_network(self) -> list[policy.Statement]:
        """Put network interfaces into the project's subnets; nothing outside a VPC."""
        if self.placement is None:
            return []
        owner = "*" if self.placement.shared else ACCOUNT_ID
        subnets = [arn("ec2", f"subnet/{subnet}", account=owner) for subnet in self.placement.subnet_ids]
        groups = [arn("ec2", f"security-group/{group}", account=owner) for group in self.placement.security_group_ids]
        interfaces = arn("ec2", "network-interface/*")
        in_these = {"ArnLike" if self.placement.shared else "ArnEquals": {"ec2:Subnet": subnets}}
        return [
            # What is being made has no properties yet that a condition could look at: subnet and groups are the limit.
            policy.allow(["ec2:CreateNetworkInterface"], [*subnets, *groups, interfaces]),
            policy.allow(
                ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"], [interfaces], when=in_these
            ),
            # These take no resource.
            policy.allow(
                [
                    "ec2:DeleteNetworkInterfacePermission",
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
                ["*"],
            ),
        ]

    def _tagged(self, key: str) -> dict[str, dict[str, str]]:
        """The condition that a request (`RequestTag`) or a thing (`ResourceTag`) carries the project's tags."""
        return {"StringEquals": {f"aws:{key}/project": self.project.name, f"aws:{key}/stage": self.project.stage}}

    def _log_group(self, name: str) -> str:
        return arn("logs", f"log-group:{name}:*")


def pass_role(role_arns: Sequence[str], *, to: str) -> policy.Statement:
    """Hand these roles to one service, and to no other."""
    return policy.allow(["iam:PassRole"], role_arns, when={"StringEquals": {"iam:PassedToService": to}})
