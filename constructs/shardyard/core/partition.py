"""What differs in AWS's regions in China: the deploy decides, so that one template serves every partition."""

from typing import cast

import aws_cdk as cdk
from constructs import IConstruct

from shardyard.core.arns import PARTITION

_ID = "OutsideChina"


def outside_china(scope: IConstruct) -> cdk.CfnCondition:
    """The condition that a stack is not deployed in China; one for each stack."""
    stack = cdk.Stack.of(scope)
    found = stack.node.try_find_child(_ID)
    if found is not None:
        return cast(cdk.CfnCondition, found)
    is_china = cdk.Fn.condition_equals(PARTITION, "aws-cn")
    return cdk.CfnCondition(stack, _ID, expression=cdk.Fn.condition_not(is_china))


def chosen(scope: IConstruct, *, outside: str, in_china: str) -> str:
    """One of two texts."""
    value = cdk.Fn.condition_if(outside_china(scope).logical_id, outside, in_china)
    return cdk.Token.as_string(value)
