"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("response plans", "ssm-incidents", "list_response_plans", "responsePlanSummaries", "arn")
