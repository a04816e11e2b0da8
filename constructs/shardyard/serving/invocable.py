"""What any endpoint is to its callers, whoever made it: a name, a grant, its metrics."""

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from shardyard.core.arns import arn

_INVOKE = ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync", "sagemaker:InvokeEndpointWithResponseStream")


class InvocableEndpoint(Construct):
    """An endpoint by its name."""

    endpoint_name: str

    @property
    def endpoint_arn(self) -> str:
        """Its ARN: SageMaker writes names of endpoints in small letters there."""
        return arn("sagemaker", f"endpoint/{self.endpoint_name.lower()}")

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody call it, in any of the three ways; which of them it answers is a matter of its kind."""
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(_INVOKE), resource_arns=[self.endpoint_arn])

    def metric(
        self, name: str, *, variant: str | None = None, statistic: str = "Average", **more: Any
    ) -> cloudwatch.Metric:
        """One of the endpoint's metrics, by the name that SageMaker gives it."""
        dimensions = {"EndpointName": self.endpoint_name, **({} if variant is None else {"VariantName": variant})}
        return cloudwatch.Metric(
            namespace="AWS/SageMaker", metric_name=name, dimensions_map=dimensions, statistic=statistic, **more
        )

    def metric_invocations(self, variant: str, **more: Any) -> cloudwatch.Metric:
        """How many requests a variant got."""
        return self.metric("Invocations", variant=variant, statistic="Sum", **more)

    def metric_model_latency(self, variant: str, *, statistic: str = "p99", **more: Any) -> cloudwatch.Metric:
        """How long a variant's model took for an answer, in microseconds."""
        return self.metric("ModelLatency", variant=variant, statistic=statistic, **more)

    def metric_errors(self, variant: str, **more: Any) -> cloudwatch.Metric:
        """The share of requests that a variant's model answered with an error of its own: 0.01 is one of a hundred."""
        return self.metric("Invocation5XXErrors", variant=variant, statistic="Average", **more)


class ImportedEndpoint(InvocableEndpoint):
    """An endpoint that somebody else made."""

    def __init__(self, scope: Construct, construct_id: str, *, endpoint_name: str) -> None:
        super().__init__(scope, construct_id)
        self.endpoint_name = endpoint_name
