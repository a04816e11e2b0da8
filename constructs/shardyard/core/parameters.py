"""Parameters of a stack: empty means as it stands in the app, a value given wins until it is set back to empty."""

import aws_cdk as cdk
from constructs import Construct

from shardyard.spec.parameter import Parameter


class Override(Construct):
    """One CloudFormation parameter, and whether it was given."""

    value: str
    """The parameter where it was given, else what the app says: a reference for the template."""
    given: cdk.CfnCondition
    """True in the deployed stack while the parameter is not empty."""
    reference: str
    """The parameter itself; empty where it was not given."""

    def __init__(self, scope: Construct, construct_id: str, *, parameter: Parameter, otherwise: str | None) -> None:
        """`otherwise` is what the app says; None leaves the property out of the template's result."""
        super().__init__(scope, construct_id)
        resource = add_parameter(self, "Parameter", parameter)
        resource.override_logical_id(parameter.name)
        self.reference = resource.value_as_string
        self.given = cdk.CfnCondition(
            self, "Given", expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(self.reference, ""))
        )
        self.given.override_logical_id(f"{parameter.name}Given")
        self.value = cdk.Token.as_string(
            cdk.Fn.condition_if(
                self.given.logical_id, self.reference, cdk.Aws.NO_VALUE if otherwise is None else otherwise
            )
        )


def add_parameter(scope: Construct, construct_id: str, parameter: Parameter) -> cdk.CfnParameter:
    """A CloudFormation parameter whose default is empty; as a child of the stack itself it is called like its id."""
    return cdk.CfnParameter(
        scope,
        construct_id,
        type="String",
        default="",
        description=parameter.description,
        allowed_values=list(parameter.allowed_values) if parameter.allowed else None,
        allowed_pattern=None if parameter.allowed else parameter.allowed_pattern,
        constraint_description=parameter.constraint,
    )
