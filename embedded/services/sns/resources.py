"""SNS: topics, their policies and their subscriptions."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list

_ATTRIBUTES = {
    "ContentBasedDeduplication": "false",
    "DisplayName": "",
    "KmsMasterKeyId": "",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}
"""The attributes, and what each is where the template does not say."""

_BY_DEFAULT = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe"),
    *("ListSubscriptionsByTopic", "Publish"),
)
"""What a new topic's policy lets its owner's account do."""

_OTHERS = ("FifoTopic", "Subscription", "Tags", "TopicName")


def _present(props: Props) -> dict[str, str]:
    found = {key: props[key] for key in _ATTRIBUTES if key in props}
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in found.items()}


@provider
class Topic(Provider):
    """`AWS::SNS::Topic`."""

    type = "AWS::SNS::Topic"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it with its attributes and its inline subscriptions."""
        unknown = sorted(set(props) - set(_ATTRIBUTES) - set(_OTHERS))
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of AWS::SNS::Topic")
        sns = ctx.client("sns")
        fifo = {"FifoTopic": "true"} if str(props.get("FifoTopic", "false")).lower() == "true" else {}
        name = str(props.get("TopicName", f"{ctx.name(251)}.fifo" if fifo else ctx.name(256)))
        made = sns.create_topic(Name=name, Attributes=_present(props) | fifo, Tags=tag_list(props.get("Tags")))
        arn = ctx.begin(made["TopicArn"])
        for item in props.get("Subscription", ()):
            sns.subscribe(TopicArn=arn, Protocol=item["Protocol"], Endpoint=item["Endpoint"])
        return self._made(arn)

    @staticmethod
    def _made(arn: str) -> Made:
        return Made(physical_id=arn, attributes={"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set the attributes and tags that changed."""
        sns = ctx.client("sns")
        before, after = _present(old), _present(new)
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                sns.set_topic_attributes(
                    TopicArn=physical_id, AttributeName=name, AttributeValue=after.get(name, _ATTRIBUTES[name])
                )
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            sns.tag_resource(ResourceArn=physical_id, Tags=tag_list(changed))
        if removed:
            sns.untag_resource(ResourceArn=physical_id, TagKeys=removed)
        return self._made(physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it with its subscriptions."""
        sns = ctx.client("sns")
        try:
            for item in sns.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]:
                if item["SubscriptionArn"].startswith("arn:"):
                    sns.unsubscribe(SubscriptionArn=item["SubscriptionArn"])
            sns.delete_topic(TopicArn=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its attributes and tags."""
        sns = ctx.client("sns")
        try:
            found: Props = dict(sns.get_topic_attributes(TopicArn=physical_id)["Attributes"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found["TopicName"] = physical_id.rsplit(":", 1)[-1]
        if "Subscription" in props:
            found["Subscription"] = sns.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]
        found["Tags"] = tag_list(sns.list_tags_for_resource(ResourceArn=physical_id)["Tags"])
        return found


@provider
class TopicPolicy(Provider):
    """`AWS::SNS::TopicPolicy`."""

    type = "AWS::SNS::TopicPolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put the policy on each topic."""
        self._put(props, ctx)
        return Made(physical_id=ctx.name())

    @staticmethod
    def _put(props: Props, ctx: Context) -> None:
        for topic in props["Topics"]:
            ctx.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(props["PolicyDocument"])
            )

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new one; topics that are no longer named get the default back."""
        self._reset([topic for topic in old["Topics"] if topic not in new["Topics"]], ctx)
        self._put(new, ctx)
        return Made(physical_id=physical_id)

    @staticmethod
    def _reset(topics: list[str], ctx: Context) -> None:
        owner = {"StringEquals": {"AWS:SourceOwner": ctx.account}}
        for topic in topics:
            statement = {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{name}" for name in _BY_DEFAULT],
                "Resource": topic,
                "Condition": owner,
            }
            policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
            try:
                ctx.client("sns").set_topic_attributes(
                    TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
                )
            except ClientError as error:
                if not is_absent(error):
                    raise

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Give the topics their default policy back."""
        self._reset(props["Topics"], ctx)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy as each topic has it."""
        found: list[Any] = []
        for topic in props["Topics"]:
            try:
                attributes = ctx.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
            except ClientError:
                return None
            found.append(json.loads(attributes["Policy"]))
        same = all(item == found[0] for item in found)
        return {"Topics": props["Topics"], "PolicyDocument": found[0] if same else found}


@provider
class Subscription(Provider):
    """`AWS::SNS::Subscription`."""

    type = "AWS::SNS::Subscription"
    unread = frozenset({"Region"})

    @staticmethod
    def _client(props: Props, ctx: Context) -> Any:
        """A client of the topic's region, which may be another one than the stack's."""
        return ctx.client("sns", props.get("Region"))

    def create(self, props: Props, ctx: Context) -> Made:
        """Subscribe."""
        attributes = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in props.items()
            if key not in ("Endpoint", "Protocol", "Region", "TopicArn")
        }
        answer = self._client(props, ctx).subscribe(
            TopicArn=props["TopicArn"],
            Protocol=props["Protocol"],
            Endpoint=props.get("Endpoint", ""),
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return Made(physical_id=answer["SubscriptionArn"], attributes={"Arn": answer["SubscriptionArn"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set the attributes that changed."""
        for key, value in new.items():
            if key != "Region" and old.get(key) != value:
                text = value if isinstance(value, str) else json.dumps(value)
                self._client(new, ctx).set_subscription_attributes(
                    SubscriptionArn=physical_id, AttributeName=key, AttributeValue=text
                )
        return Made(physical_id=physical_id, attributes={"Arn": physical_id})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Unsubscribe."""
        try:
            self._client(props, ctx).unsubscribe(SubscriptionArn=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Who is told, and how."""
        try:
            found: Props = dict(
                self._client(props, ctx).get_subscription_attributes(SubscriptionArn=physical_id)["Attributes"]
            )
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return found
