"""An execution's events in the machine's log group, in the shape that the service writes them."""

import datetime
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from moto.logs.models import logs_backends
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded.bus.dropped import drop


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionLog:
    """Stands where moto has a logging session (5.2.5's own fails on its own timestamps)."""

    execution_arn: str
    """The execution."""
    level: str
    """ALL, ERROR or FATAL."""
    group_arn: str
    """The log group."""
    configuration: Any
    """What moto asks of a session: whether execution data is included."""

    @classmethod
    def of(cls, machine: Any, execution_arn: str) -> "ExecutionLog | None":
        """The log of one execution, or None where the machine has no logging."""
        settings = machine.loggingConfiguration or {}
        groups = [one["cloudWatchLogsLogGroup"]["logGroupArn"] for one in settings.get("destinations", [])]
        if not groups or settings.get("level", "OFF") == "OFF":
            return None
        include = SimpleNamespace(include_execution_data=settings.get("includeExecutionData", False))
        return cls(execution_arn=execution_arn, level=settings["level"], group_arn=groups[0], configuration=include)

    def log_level_filter(self, history_event_type: Any) -> bool:
        """Whether the machine's level covers the event."""
        return bool(is_logging_enabled_for(self.level, history_event_type))

    def publish_history_log(self, history_log: dict[str, Any]) -> None:
        """Write one event."""
        _, _, _, region, account, _, name, *_ = self.group_arn.split(":")
        backend = logs_backends[account][region]
        if name not in backend.groups:
            drop(source=self.execution_arn, target=self.group_arn, reason="the log group does not exist")
            return
        stamp = datetime.datetime.fromisoformat(str(history_log["event_timestamp"]).replace("Z", "+00:00"))
        milliseconds = int(stamp.timestamp() * 1000)
        machine, execution = self.execution_arn.split(":")[-2:]
        stream = f"states/{machine}/{stamp:%Y-%m-%d-%H-%M}/{execution}"
        if stream not in backend.groups[name].streams:
            backend.create_log_stream(name, stream)
        event = {key: value for key, value in history_log.items() if value is not None}
        event |= {"event_timestamp": str(milliseconds), "type": str(getattr(event["type"], "value", event["type"]))}
        event |= {"redrive_count": "0"}
        message = json.dumps(json.loads(to_json_str(event)))
        backend.put_log_events(name, stream, [{"timestamp": milliseconds, "message": message}])
