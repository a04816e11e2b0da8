"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("buckets", "s3", "list_buckets", "Buckets", "Name")
