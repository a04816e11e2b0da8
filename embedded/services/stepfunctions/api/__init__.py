"""The operations of Step Functions."""
