"""The project's key, and who may use it."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, REGION, URL_SUFFIX, arn
from shardyard.core.partition import chosen
from shardyard.core.project import Project

TOPIC_PUBLISHERS = ("events.amazonaws.com", "cloudwatch.amazonaws.com", "budgets.amazonaws.com")
"""The services that may publish to the encrypted topic: without the key their messages vanish and nothing says so.

EventBridge's user guide says that it states no account to a topic, so a rule of yours should call a function, as
ours do: a message that it sent to the topic itself may be refused.
"""


class Key(Construct):
    """A customer-managed key with rotation; roles get its use by their own policies."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project) -> None:
        super().__init__(scope, construct_id)
        self.resource = kms.CfnKey(
            self,
            "Resource",
            description=f"Encrypts what {project.name} ({project.stage}) keeps, logs and publishes",
            enable_key_rotation=True,
            key_policy=policy.document(
                [_account_decides(), _logs_encrypt(), *(self._publishes(service) for service in TOPIC_PUBLISHERS)]
            ),
            pending_window_in_days=30 if project.retains_data else 7,
        )
        self.resource.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if project.retains_data else cdk.RemovalPolicy.DESTROY
        )
        kms.CfnAlias(
            self,
            "Alias",
            alias_name=f"alias/{project.prefix}",
            target_key_id=self.resource.attr_arn,
        )

    def _publishes(self, service: str) -> policy.Statement:
        return policy.allow_service(
            publisher(self, service),
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            ["*"],
            when={"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
            sid=f"{service.split('.')[0].capitalize()}Publishes",
        )


def publisher(scope: Construct, service: str) -> str:
    """The principal of a service that publishes; Budgets is unknown in China, where a policy may not name it."""
    if service != "budgets.amazonaws.com":
        return service
    return chosen(scope, outside=service, in_china="cloudwatch.amazonaws.com")


def _account_decides() -> policy.Statement:
    """Without this statement nobody could ever change the key's policy again."""
    root = arn("iam", "root", region="")
    return {
        "Sid": "AccountDecides",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }


def _logs_encrypt() -> policy.Statement:
    groups = arn("logs", "log-group:*")
    return policy.allow_service(
        # The one principal that differs by region and, in China, by suffix.
        f"logs.{REGION}.{URL_SUFFIX}",
        [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
        ],
        ["*"],
        # CloudWatch Logs states the group it works for, and the group's ARN holds the account.
        when={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        sid="LogGroups",
    )
