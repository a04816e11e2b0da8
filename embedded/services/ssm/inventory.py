"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("parameters", "ssm", "describe_parameters", "Parameters", "Name")
