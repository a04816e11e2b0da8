"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("secrets", "secretsmanager", "list_secrets", "SecretList", "Name")
