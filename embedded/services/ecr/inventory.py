"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("image repositories", "ecr", "describe_repositories", "repositories", "repositoryName")
