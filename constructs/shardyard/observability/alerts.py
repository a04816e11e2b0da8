"""The topic on which everything that a person should know is published, and who hears it."""

from functools import cached_property

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID, key_arn
from shardyard.core.project import Project
from shardyard.foundation.key import TOPIC_PUBLISHERS, publisher
from shardyard.spec import names


class Alerts(Construct):
    """An encrypted topic that only this account's services and roles publish to, and an e-mail subscription."""

    resource: sns.CfnTopic
    """The topic, where the event handler, the alarms, the budget and the launches publish."""
    publishers: sns.CfnTopicPolicy
    """Who may publish: what checks this when it is made, such as a budget, must be made after it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef,
        email: str | None = None,
        email_given: cdk.CfnCondition | None = None,
    ) -> None:
        """`email` may be a token; where only a parameter can give it, `email_given` says whether it did."""
        super().__init__(scope, construct_id)
        name = names.topic_name(project.name, project.stage)
        self.resource = sns.CfnTopic(self, "Topic", topic_name=name, kms_master_key_id=key_arn(key))
        self.publishers = sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[self.resource.ref],
            policy_document=policy.document(
                [*(self._publishes(service) for service in TOPIC_PUBLISHERS), self._tls_only()]
            ),
        )
        if email is not None:
            subscription = sns.CfnSubscription(
                self, "Email", topic_arn=self.resource.ref, protocol="email", endpoint=email
            )
            subscription.cfn_options.condition = email_given

    @cached_property
    def topic(self) -> sns.ITopic:
        """The topic as CDK's own type, made when asked for: to subscribe to, to publish to."""
        return sns.Topic.from_topic_arn(self, "TopicView", self.resource.ref)

    def _publishes(self, service: str) -> policy.Statement:
        return policy.allow_service(
            publisher(self, service),
            ["sns:Publish"],
            [self.resource.ref],
            when={"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
            sid=f"{service.split('.')[0].capitalize()}Publishes",
        )

    def _tls_only(self) -> policy.Statement:
        return {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": self.resource.ref,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
