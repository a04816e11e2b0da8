"""Who may launch what, by tags: a person's tag names the owner whose jobs that person may launch and stop."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import REGION, arn
from shardyard.core.outputs import add_output
from shardyard.core.project import Project
from shardyard.foundation.permissions import SEARCH_READS, SEARCHES
from shardyard.foundation.storage_base import StorageBase
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS, TUNING


class LaunchByTag(Construct):
    """One policy for the roles of people, whatever their team: the tags of the role, or of its session, say which.

    A state machine carries the tag `owner`, and for authorization an execution has the tags of its machine (Step
    Functions developer guide, tag-based policies).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, project: Project, storage: StorageBase, tag: str
    ) -> None:
        """`tag` is the key of the principal's tag that holds an owner."""
        super().__init__(scope, construct_id)
        self._project, self._storage = project, storage
        made = iam.CfnManagedPolicy(
            self,
            "Policy",
            managed_policy_name=f"{names.launch_policy_name(project.name, project.stage)}-{REGION}",
            description=f"Launch and stop the jobs of the owner that the tag {tag} names, and look at all",
            policy_document=policy.document([self._launch(tag), *self._look()]),
        )
        add_output(cdk.Stack.of(self), "LaunchPolicyArn", made.ref, "For the roles of people who launch jobs")

    def _launch(self, tag: str) -> policy.Statement:
        owned = {
            "aws:ResourceTag/owner": f"${{aws:PrincipalTag/{tag}}}",
            "aws:ResourceTag/project": self._project.name,
            "aws:ResourceTag/stage": self._project.stage,
        }
        return policy.allow(
            ["states:StartExecution", "states:StopExecution"], self._machines(), when={"StringEquals": owned}
        )

    def _look(self) -> list[policy.Statement]:
        """What `yard train`, `run`, `tune`, `status`, `logs`, `history`, `receipt` read, and the code of launches."""
        prefix, artifacts = self._project.prefix, self._storage.places.artifact_arn
        kinds = SERVICE_JOBS.values()
        return [
            policy.allow(
                [
                    "states:DescribeExecution",
                    "states:DescribeStateMachine",
                    "states:GetExecutionHistory",
                    "states:ListExecutions",
                ],
                self._machines(),
            ),
            policy.allow(["cloudformation:DescribeStacks"], [arn("cloudformation", f"stack/{prefix}-*/*")]),
            policy.allow(["s3:ListBucket"], [artifacts]),
            policy.allow(["s3:GetObject"], [f"{artifacts}/runs/*", f"{artifacts}/source/*"]),
            policy.allow(
                ["s3:PutObject"],
                [f"{artifacts}/runs/*/about.json", f"{artifacts}/runs/*/source.diff", f"{artifacts}/source/*"],
            ),
            *self._storage.places.use_keys("kms:Decrypt", "kms:GenerateDataKey"),
            policy.allow(["ecr:DescribeImages"], [arn("ecr", f"repository/{prefix}/*")]),
            *(
                policy.allow([*of.actions("Describe"), "sagemaker:ListTags"], [arn("sagemaker", f"{of.arn_part}/*")])
                for of in kinds
            ),
            policy.allow(SEARCH_READS, [SEARCHES]),
            policy.allow(
                ["logs:FilterLogEvents", "logs:GetLogEvents"],
                [arn("logs", f"log-group:{group}:*") for group in dict.fromkeys(_log_groups())],
            ),
            # These take no resource.
            policy.allow(["cloudwatch:GetMetricData", *(of.list_action for of in kinds)], ["*"]),
        ]

    def _machines(self) -> Sequence[str]:
        machines = names.state_machine_name(self._project.name, self._project.stage, "*")
        return [arn("states", f"stateMachine:{machines}"), arn("states", f"execution:{machines}:*")]


def _log_groups() -> list[str]:
    """Where the jobs of every kind write: a search and an AutoML job only by the jobs that they start."""
    return [of.log_group for of in SERVICE_JOBS.values() if of is not TUNING]
