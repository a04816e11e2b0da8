"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("rules", "events", "list_rules", "Rules", "Name")
