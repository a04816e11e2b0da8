"""SQS: queues and their policies."""

import json
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated, ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import tag_changes, tag_list

_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
"""The attributes, and what each is where the template does not say."""

_OTHERS = frozenset({"FifoQueue", "QueueName", "Tags"})


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(props: Props) -> dict[str, str]:
    return {key: _text(value) for key, value in props.items() if key in _DEFAULTS}


@provider
class Queue(Provider):
    """`AWS::SQS::Queue`."""

    type = "AWS::SQS::Queue"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it; unlike the service's API, CloudFormation does not take over a queue that is there."""
        unknown = sorted(set(props) - set(_DEFAULTS) - _OTHERS)
        if unknown:
            raise NotEmulated(f"the embedded cloud does not emulate {', '.join(unknown)} of {self.type}")
        sqs, fifo = ctx.client("sqs"), _text(props.get("FifoQueue", "false")) == "true"
        name = str(props.get("QueueName", f"{ctx.name(75)}.fifo" if fifo else ctx.name(80)))
        if self._url(name, ctx) is not None:
            raise ResourceError(f"Resource of type '{self.type}' with identifier '{name}' already exists.")
        attributes = _attributes(props) | ({"FifoQueue": "true"} if fifo else {})
        tags = {item["Key"]: item["Value"] for item in tag_list(props.get("Tags"))}
        url = ctx.begin(sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"])
        return self._made(url, ctx)

    @staticmethod
    def _url(name: str, ctx: Context) -> str | None:
        try:
            return str(ctx.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    @staticmethod
    def _made(url: str, ctx: Context) -> Made:
        name = url.rsplit("/", 1)[-1]
        return Made(physical_id=url, attributes={"Arn": ctx.arn("sqs", name), "QueueName": name, "QueueUrl": url})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Set the attributes and tags that changed; what the template no longer has gets its default back."""
        sqs, before, after = ctx.client("sqs"), _attributes(old), _attributes(new)
        changes = {
            name: after.get(name, _DEFAULTS[name]) for name in before | after if before.get(name) != after.get(name)
        }
        if changes:
            sqs.set_queue_attributes(QueueUrl=physical_id, Attributes=changes)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            sqs.tag_queue(QueueUrl=physical_id, Tags=changed)
        if removed:
            sqs.untag_queue(QueueUrl=physical_id, TagKeys=removed)
        return self._made(physical_id, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it with its messages."""
        try:
            ctx.client("sqs").delete_queue(QueueUrl=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its attributes and tags."""
        sqs = ctx.client("sqs")
        try:
            found: Props = dict(
                sqs.get_queue_attributes(QueueUrl=physical_id, AttributeNames=["All"]).get("Attributes", {})
            )
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found.setdefault("FifoQueue", "false")
        found["QueueName"] = physical_id.rsplit("/", 1)[-1]
        found["Tags"] = tag_list(sqs.list_queue_tags(QueueUrl=physical_id).get("Tags"))
        return found


@provider
class QueuePolicy(Provider):
    """`AWS::SQS::QueuePolicy`."""

    type = "AWS::SQS::QueuePolicy"

    def create(self, props: Props, ctx: Context) -> Made:
        """Put the policy on each queue."""
        self._put(props["Queues"], json.dumps(props["PolicyDocument"]), ctx)
        name = ctx.name()
        return Made(physical_id=name, attributes={"Id": name})

    @staticmethod
    def _put(queues: list[str], policy: str, ctx: Context) -> None:
        for url in queues:
            ctx.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Put the new one; queues that are no longer named lose theirs."""
        self._clear([url for url in old["Queues"] if url not in new["Queues"]], ctx)
        self._put(new["Queues"], json.dumps(new["PolicyDocument"]), ctx)
        return Made(physical_id=physical_id, attributes={"Id": physical_id})

    def _clear(self, queues: list[str], ctx: Context) -> None:
        for url in queues:
            try:
                self._put([url], "", ctx)
            except ClientError as error:
                if not is_absent(error):
                    raise

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the policy off the queues."""
        self._clear(props["Queues"], ctx)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The policy as each queue has it."""
        found: list[Any] = []
        for url in props["Queues"]:
            try:
                answer = ctx.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
            except ClientError:
                return None
            text = answer.get("Attributes", {}).get("Policy")
            found.append(json.loads(text) if text else None)
        same = all(item == found[0] for item in found)
        return {"Queues": props["Queues"], "PolicyDocument": found[0] if same else found}
