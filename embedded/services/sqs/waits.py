"""SQS: visibility, delays, retention and long polls go by the cloud's clock; the times in answers are the machine's."""

from typing import Any

from moto.sqs.models import Message, SQSBackend

from embedded import clock, moto_patches

_moto_receive = SQSBackend.receive_message


def _now() -> float:
    return clock.calendar() * 1000


def _change_visibility(self: Any, visibility_timeout: int) -> None:
    self.visible_at = _now() + int(visibility_timeout) * 1000


def _delay(self: Any, delay_seconds: int) -> None:
    self.delayed_until = _now() + int(delay_seconds) * 1000


def _visible(self: Any) -> bool:
    return bool(_now() > self.visible_at)


def _delayed(self: Any) -> bool:
    return bool(_now() < self.delayed_until)


def _receive(
    self: Any, queue_name: str, count: int, wait_seconds_timeout: int, visibility_timeout: int, names: Any = None
) -> Any:
    return _moto_receive(self, queue_name, count, clock.real(wait_seconds_timeout), visibility_timeout, names)


def _is_kept(self: Any, queue_name: str, message: Any) -> bool:
    kept = self.get_queue_attributes(queue_name, ["MessageRetentionPeriod"])["MessageRetentionPeriod"]
    return bool(clock.calendar(message.sent_timestamp / 1000) + kept > clock.calendar())


for owner, name, replacement in (
    (Message, "change_visibility", _change_visibility),
    (Message, "delay", _delay),
    (Message, "visible", property(_visible)),
    (Message, "delayed", property(_delayed)),
    (SQSBackend, "receive_message", _receive),
    (SQSBackend, "is_message_valid_based_on_retention_period", _is_kept),
):
    moto_patches.replace(owner, name, replacement, reason="it waits by the machine's clock")
