"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("log groups", "logs", "describe_log_groups", "logGroups", "logGroupName")
