"""What IAM is asked for a request to this service."""

from embedded.access import facts

facts.passes_role("ec2:CreateFlowLogs", "DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com")
