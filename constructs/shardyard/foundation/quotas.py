"""Service quotas as code: CloudFormation has no type for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn
from shardyard.core.function import CustomResource, HandlerFunction
from shardyard.core.project import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedQuota:
    """One quota and its minimum."""

    name: str
    """As the Service Quotas console shows it."""
    at_least: float
    """A higher value is never lowered."""
    service: str = "sagemaker"
    """The service's code."""


class ServiceQuotas(Construct):
    """Each of these quotas is at least so high, or AWS has been asked to raise it: one resource for all.

    `ServiceQuotas(..., quotas=[WantedQuota(name="ml.g5.12xlarge for training job usage", at_least=4)])`
    """

    summary: str
    """How many were high enough, were raised, and are undecided, known at deploy."""
    pending: str
    """Those that AWS has not decided, with their support cases, known at deploy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef | None,
        quotas: Sequence[WantedQuota],
        fail_when_pending: bool = False,
    ) -> None:
        """With `fail_when_pending` a deploy fails while AWS has not granted a request."""
        super().__init__(scope, construct_id)
        self.function = self._function(project, key, sorted({quota.service for quota in quotas}))
        self.resource = CustomResource(
            self,
            "Resource",
            kind="ServiceQuotas",
            function=self.function,
            properties={
                "Quotas": [
                    {
                        "ServiceCode": quota.service,
                        "QuotaName": quota.name,
                        "AtLeast": f"{quota.at_least:g}",
                    }
                    for quota in quotas
                ],
                "FailWhenPending": "true" if fail_when_pending else "false",
            },
        )
        self.summary = self.resource.get_att("Summary").to_string()
        self.pending = self.resource.get_att("Pending").to_string()

    def _function(self, project: Project, key: IKeyRef | None, services: Sequence[str]) -> HandlerFunction:
        return HandlerFunction(
            self,
            "Function",
            project=project,
            handler="resources/quota",
            description="Asks AWS to raise quotas that are too low; never lowers, never asks twice",
            statements=[
                # Lists know no resources in IAM.
                policy.allow(
                    [
                        "servicequotas:ListServiceQuotas",
                        "servicequotas:ListAWSDefaultServiceQuotas",
                        "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
                    ],
                    ["*"],
                ),
                # A quota's code is unknown before the list is read.
                policy.allow(
                    ["servicequotas:RequestServiceQuotaIncrease"],
                    [arn("servicequotas", f"{service}/*") for service in services],
                ),
                # Service Quotas makes its own role at the account's first request.
                policy.allow(
                    ["iam:CreateServiceLinkedRole"],
                    [
                        arn(
                            "iam",
                            "role/aws-service-role/servicequotas.amazonaws.com/AWSServiceRoleForServiceQuotas",
                            region="",
                        )
                    ],
                    when={"StringEquals": {"iam:AWSServiceName": "servicequotas.amazonaws.com"}},
                ),
            ],
            key=key,
            timeout_seconds=300,
        )
