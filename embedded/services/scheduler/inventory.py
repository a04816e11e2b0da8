"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("schedules", "scheduler", "list_schedules", "Schedules", "Name")
