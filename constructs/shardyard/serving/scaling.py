"""What scales a variant: its target, its policies, and the alarms that steps follow."""

import aws_cdk as cdk
from constructs import Construct

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoint_scaling import step_policies, target, target_policy

_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


def scale(
    scope: Construct,
    spec: EndpointSpec,
    variant: str,
    *,
    endpoint: cdk.CfnResource,
    endpoint_name: str,
    when: cdk.CfnCondition | None,
) -> None:
    """Add a variant's scaling: made after the endpoint, and taken away before it."""
    scaling = spec.scaled[variant]
    part = Construct(scope, f"Scaling-{variant}")
    scalable = cdk.CfnResource(
        part,
        "Target",
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        properties=target(spec, variant, endpoint_name),
    )
    scalable.add_resource_dependency(endpoint)
    made = [scalable]
    tracks = target_policy(scaling, endpoint_name)
    if tracks is not None:
        name = f"{endpoint_name}-{variant}-target"
        made.append(
            cdk.CfnResource(
                part,
                "Tracking",
                type=_POLICY,
                properties={"PolicyName": name, "ScalingTargetId": scalable.ref, **tracks},
            )
        )
    for one in step_policies(spec, variant, endpoint_name):
        name = f"{endpoint_name}-{variant}-{one.name}"
        policy = cdk.CfnResource(
            part,
            one.name.capitalize(),
            type=_POLICY,
            properties={"PolicyName": name, "ScalingTargetId": scalable.ref, **one.policy},
        )
        alarm = cdk.CfnResource(
            part,
            f"{one.name.capitalize()}Alarm",
            type="AWS::CloudWatch::Alarm",
            properties={"AlarmName": name, **one.alarm, "AlarmActions": [policy.ref]},
        )
        made += [policy, alarm]
    if when is not None:
        for resource in made:
            resource.cfn_options.condition = when
