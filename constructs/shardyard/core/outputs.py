"""Stack outputs under names that `yard` and people look for."""

import aws_cdk as cdk


def add_output(stack: cdk.Stack, name: str, value: str, description: str) -> None:
    """Add an output whose name is exactly this one."""
    output = cdk.CfnOutput(stack, f"{name}Output", value=value, description=description)
    output.override_logical_id(name)
