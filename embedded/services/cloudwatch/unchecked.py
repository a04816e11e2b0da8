"""Alarms that nobody has looked at yet: moto 5.2.5 calls them OK, CloudWatch says that it has no data."""

from datetime import datetime
from typing import Any

from moto.cloudwatch import models

from embedded import moto_patches


class Alarm(models.Alarm):  # type: ignore[misc]
    """moto's alarm, as CloudWatch tells a new one; a composite alarm is evaluated nowhere here and stays as it was."""

    class Meta:
        """How the answer's writer finds what it asks for."""

        serialization_aliases = {"Metrics": "queries", "StateTransitionedTimestamp": "transitioned"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.transitioned: datetime = self.state_updated_timestamp
        self.state_reason_data = None
        if self.rule is None:
            self.state_value = "INSUFFICIENT_DATA"

    @property
    def queries(self) -> list[Any] | None:
        """The metric math, if there is any."""
        return self.metric_data_queries or None

    def update_state(self, reason: str, reason_data: str, state_value: str) -> None:
        """Take a new state, or a new reason for the same one."""
        before = self.state_value
        super().update_state(reason, reason_data, state_value)
        if state_value != before:
            self.transitioned = self.state_updated_timestamp


moto_patches.replace(models, "Alarm", Alarm, reason="a new alarm is OK before anything was measured")
