"""SNS: moto keeps topics and subscriptions, and here a message really reaches functions, queues and people.

moto 5.2.5's `Subscription` is replaced by a subclass, once: its function events are constants, its mail is lost, and
its HTTP deliveries would leave this machine.
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import moto.sns.models as sns_models
from moto.iam.models import iam_backends
from moto.sqs.models import sqs_backends
from moto.utilities.utils import get_partition

from embedded import moto_patches
from embedded.access.grants import key_problem, lets_service_in
from embedded.access.role_policies import role_allows
from embedded.bus import outbox
from embedded.bus.deliveries import Undeliverable, deliver
from embedded.bus.dropped import drop
from embedded.moto_errors import as_service_errors
from embedded.operations import Call, Params, ServiceError, operation

SNS = "sns.amazonaws.com"
_TO_PEOPLE = ("email", "email-json", "sms", "http", "https")


class RealSubscription(sns_models.Subscription):  # type: ignore[misc]
    """moto's subscription, with deliveries that AWS's rules allow and that arrive."""

    def publish(
        self,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        """Deliver one message, unless the filter policy or a missing permission stops it."""
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        text = self._parse_message_structure(message, self.protocol) if message_structure == "json" else message
        try:
            if self.protocol == "lambda":
                self._to_function(text, message_id, subject, message_attributes)
            elif self.protocol in _TO_PEOPLE:
                self._to_person(text, message_id, subject)
            else:
                if self.protocol == "sqs":
                    self._check_queue()
                super().publish(
                    message, message_id, subject, message_attributes, group_id, deduplication_id, message_structure
                )
        except Undeliverable as reason:
            drop(source=self.topic.arn, target=self.endpoint, reason=str(reason))

    def _to_function(
        self, text: str, message_id: str, subject: str | None, attributes: Mapping[str, Any] | None
    ) -> None:
        notification = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": self.topic.arn,
            "Subject": subject,
            "Message": text,
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "SignatureVersion": "1",
            "Signature": "EMBEDDED",
            "SigningCertUrl": "EMBEDDED",
            "UnsubscribeUrl": "EMBEDDED",
            "MessageAttributes": {
                name: {"Type": value["Type"], "Value": _as_text(value["Value"])}
                for name, value in (attributes or {}).items()
            },
        }
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": self.arn,
            "Sns": notification,
        }
        deliver(self.endpoint, {"Records": [record]}, source=SNS, source_arn=self.topic.arn)

    def _to_person(self, text: str, message_id: str, subject: str | None) -> None:
        if self.protocol == "email-json":
            whole = {"Type": "Notification", "MessageId": message_id, "TopicArn": self.topic.arn}
            text = json.dumps(whole | {"Subject": subject, "Message": text})
        outbox.post(protocol=self.protocol, to=self.endpoint, subject=subject, text=text, topic=self.topic.arn)

    def _check_queue(self) -> None:
        _, _, _, region, account, name = self.endpoint.split(":")
        queue = sqs_backends[account][region].queues.get(name)
        if queue is None:
            raise Undeliverable("the queue does not exist")
        context = {"aws:SourceArn": self.topic.arn, "aws:SourceAccount": self.account_id}
        if not lets_service_in(queue.policy, SNS, "sqs:SendMessage", context):
            raise Undeliverable(f"the queue's policy does not let {SNS} send messages for this topic")
        problem = key_problem(queue.kms_master_key_id, account, region, SNS, context)
        if problem is not None:
            raise Undeliverable(problem)


def _as_text(value: str | bytes) -> str:
    """A message attribute's value in a function's event, which holds binary values in base64."""
    return value if isinstance(value, str) else base64.b64encode(value).decode()


moto_patches.replace(sns_models, "Subscription", RealSubscription, reason="its messages reach nobody")


@operation("sns", "Publish")
def publish(call: Call, params: Params) -> dict[str, str]:
    """Publish a message; a role that publishes to an encrypted topic needs its key, as on AWS."""
    backend = sns_models.sns_backends[call.account][call.region]
    arn = params.get("TargetArn", params.get("TopicArn"))
    topic = backend.topics.get(arn)
    if topic is not None and topic.kms_master_key_id:
        _check_key(call, topic.kms_master_key_id)
    attributes = {
        name: {"Type": one["DataType"], "Value": one.get("StringValue", one.get("BinaryValue"))}
        for name, one in params.get("MessageAttributes", {}).items()
    }
    try:
        with as_service_errors():
            message_id = backend.publish(
                params["Message"],
                arn=arn,
                phone_number=params.get("PhoneNumber"),
                subject=params.get("Subject"),
                message_attributes=attributes,
                group_id=params.get("MessageGroupId"),
                deduplication_id=params.get("MessageDeduplicationId"),
                message_structure=params.get("MessageStructure"),
            )
    except ValueError as error:
        raise ServiceError("InvalidParameter", str(error)) from error
    return {"MessageId": message_id}


def _check_key(call: Call, key: str) -> None:
    """The caller's own right to the key; the account's root has it by every key policy that AWS writes."""
    if ":assumed-role/" not in call.principal:
        return
    name = call.principal.split("/")[1]
    backend = iam_backends[call.account][get_partition(call.region)]
    role_arn = next((role.arn for role in list(backend.roles.values()) if role.name == name), None)
    arn = key if key.startswith("arn:") else f"arn:{get_partition(call.region)}:kms:{call.region}:{call.account}:{key}"
    if ":alias/aws/" in arn:
        return  # its policy lets every caller of the account through SNS
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        # the role may have been deleted while its session goes on, and allows nothing any more
        if role_arn is None or not role_allows(role_arn, call.region, action, arn):
            text = f"User: {call.principal} is not authorized to perform: {action} on resource: {arn}"
            raise ServiceError("KMSAccessDenied", text)
