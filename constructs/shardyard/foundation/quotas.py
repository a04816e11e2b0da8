"""Service quotas as code: CloudFormation has no type for them."""

from collections.abc import Sequence

from aws_cdk.interfaces.aws_kms import IKeyRef
from constructs import Construct

from shardyard.core import policy
from shardyard.core.arns import arn
from shardyard.core.function import CustomResource, HandlerFunction
from shardyard.core.project import Project


class QuotaRequester(Construct):
    """The function behind every ServiceQuota of a stack."""

    function: HandlerFunction

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        key: IKeyRef | None,
        services: Sequence[str],
        fail_when_pending: bool = False,
    ) -> None:
        """`services` are the codes of those whose quotas may be asked for.

        With `fail_when_pending` a deploy fails while AWS has not granted a request.
        """
        super().__init__(scope, construct_id)
        self.fail_when_pending = fail_when_pending
        self.function = HandlerFunction(
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


class ServiceQuota(Construct):
    """A quota is at least so high, or has been asked for: `ServiceQuota(..., name="ml.g5.12xlarge for training job
    usage", at_least=4, requester=requester)`."""

    status: str
    """`SUFFICIENT`, `GRANTED` or `PENDING`, known at deploy."""
    case_id: str
    """The support case of a pending request, or empty."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        at_least: float,
        requester: QuotaRequester,
        service: str = "sagemaker",
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = CustomResource(
            self,
            "Resource",
            kind="ServiceQuota",
            function=requester.function,
            properties={
                "ServiceCode": service,
                "QuotaName": name,
                "AtLeast": f"{at_least:g}",
                "FailWhenPending": "true" if requester.fail_when_pending else "false",
            },
        )
        self.status = self.resource.get_att("Status").to_string()
        self.case_id = self.resource.get_att("CaseId").to_string()
