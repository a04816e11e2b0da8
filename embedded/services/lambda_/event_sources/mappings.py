"""What an event source mapping is, and which there are."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from embedded.kept import parts

_FOR_STREAMS: Mapping[str, Any] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}


@dataclass(kw_only=True, slots=True)
class SourceMapping:
    """One mapping, from a source to a function."""

    uuid: str
    account: str
    region: str
    function_arn: str
    source_arn: str
    settings: dict[str, Any]
    """By the names of the API."""
    enabled: bool
    modified: float = field(default_factory=time.time)
    result: str = "No records processed"
    """What came of the last batch."""
    position: str | None = None
    """Of a stream: the sequence number of the last record that is done with."""
    seen: int = 0
    """Of a stream: how many records there were when all was done."""

    @property
    def kind(self) -> str:
        """The service that is read from."""
        return self.source_arn.split(":")[2]

    @property
    def arn(self) -> str:
        """The mapping's own ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def batch_size(self) -> int:
        """How many records an event has at most."""
        return int(self.settings["BatchSize"])

    @property
    def reports_failures(self) -> bool:
        """Whether the function says which records failed."""
        return "ReportBatchItemFailures" in self.settings.get("FunctionResponseTypes", ())

    def describe(self, state: str | None = None) -> dict[str, Any]:
        """The mapping as the API answers it; of a queue it says nothing of the last batch."""
        reason, result = "User action", {"LastProcessingResult": self.result}
        if self.kind == "sqs":
            reason, result = "USER_INITIATED", {}
        return {
            "UUID": self.uuid,
            "EventSourceArn": self.source_arn,
            "EventSourceMappingArn": self.arn,
            "FunctionArn": self.function_arn,
            "LastModified": datetime.fromtimestamp(self.modified, UTC),
            "State": state if state is not None else "Enabled" if self.enabled else "Disabled",
            "StateTransitionReason": reason,
            **result,
            **self.settings,
        }


def defaults(source_arn: str) -> dict[str, Any]:
    """What a mapping is set to where a request says nothing."""
    if source_arn.split(":")[2] == "sqs":
        return {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
    return {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": [], **_FOR_STREAMS}


MAPPINGS: dict[str, SourceMapping] = {}
"""Every mapping, by its UUID."""
parts.keep_contents("lambda.event_source_mappings", MAPPINGS)

started = threading.Event()
"""Set when the first mapping is there: before that, nobody need look."""
parts.afterwards(lambda: started.set() if MAPPINGS else None)
