"""The response plans and incidents of all accounts."""

from typing import Any

PLANS: dict[str, dict[str, Any]] = {}
"""Each plan by its ARN."""

INCIDENTS: list[dict[str, Any]] = []
"""Records in the shape of ListIncidentRecords, each of one plan."""
