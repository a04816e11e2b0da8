"""A Lambda function of ours: the shared code, its own role with exact permissions, its own log group."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import ACCOUNT_ID
from shardyard.core.handler_code import add_handler_code
from shardyard.core.partition import chosen
from shardyard.core.project import Project
from shardyard.core.roles import service_role
from shardyard.spec import names

RUNTIME = "python3.13"


class HandlerFunction(Construct):
    """Runs one folder of `shardyard.handlers`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        handler: str,
        description: str,
        statements: Sequence[policy.Statement],
        key: IKeyRef | None,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: int = 60,
        memory_mb: int = 256,
    ) -> None:
        """`handler` is a folder of `shardyard.handlers`; `name` replaces its last word in the function's name.

        `key` encrypts its log group; None leaves that to CloudWatch's own key.
        """
        super().__init__(scope, construct_id)
        self.timeout_seconds = timeout_seconds
        function_name = names.function_name(
            project.name, project.stage, name if name is not None else handler.rpartition("/")[2].replace("_", "-")
        )
        self.log_group = logs.CfnLogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention_in_days=project.log_days,
            kms_key_id=key,
        )
        self.log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.role = self._role(project, function_name, statements)
        bucket, object_key = add_handler_code(self)
        self.resource = lambda_.CfnFunction(
            self,
            "Resource",
            function_name=function_name,
            description=description,
            runtime=RUNTIME,
            # Whether the regions in China have arm64 is nowhere said for certain; x86_64 they all have.
            architectures=[chosen(self, outside="arm64", in_china="x86_64")],
            handler=f"shardyard.handlers.{handler.replace('/', '.')}.index.handler",
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=bucket, s3_key=object_key),
            role=self.role,
            timeout=timeout_seconds,
            memory_size=memory_mb,
            environment=None
            if environment is None
            else lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=self.log_group.ref),
        )

    @cached_property
    def arn(self) -> str:
        """The function's ARN."""
        return self.resource.attr_arn

    @cached_property
    def function_name(self) -> str:
        """The function's name."""
        return self.resource.ref

    def allow_invoke(self, construct_id: str, *, service: str, source_arn: str) -> lambda_.CfnPermission:
        """Let one thing of a service of this account call the function."""
        return lambda_.CfnPermission(
            self,
            construct_id,
            action="lambda:InvokeFunction",
            function_name=self.resource,
            principal=service,
            source_account=ACCOUNT_ID,
            source_arn=source_arn,
        )

    def set_environment(self, environment: Mapping[str, str]) -> None:
        """Replace the function's variables."""
        self.resource.environment = lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment))

    def allow_only(self, statements: Sequence[policy.Statement]) -> None:
        """Replace what the function may do besides writing its log."""
        self.policy.policy_document = policy.document([self._writes_logs, *statements])

    def _role(self, project: Project, function_name: str, statements: Sequence[policy.Statement]) -> iam.CfnRole:
        # The log group's ARN ends in ':*' by itself and so covers its streams.
        self._writes_logs = policy.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.attr_arn])
        self.policy, role = service_role(
            self,
            "",
            project=project,
            service="lambda.amazonaws.com",
            allows=f"What {function_name} may do",
            description=f"Runs {function_name}",
            statements=[self._writes_logs, *statements],
        )
        return role


class CustomResource(cdk.CfnResource):
    """A resource that one of our handlers makes, changes and removes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: str,
        function: HandlerFunction,
        properties: Mapping[str, Any],
        wait_seconds: int | None = None,
    ) -> None:
        """`kind` becomes the type `Custom::<kind>`; properties arrive at the handler as strings.

        `wait_seconds` is for one that somebody answers after the function has ended.
        """
        super().__init__(
            scope,
            construct_id,
            type=f"Custom::{kind}",
            # Without a limit of its own a lost answer holds the stack up for an hour.
            properties={
                "ServiceToken": function.arn,
                "ServiceTimeout": function.timeout_seconds + 60 if wait_seconds is None else wait_seconds,
                **properties,
            },
        )
