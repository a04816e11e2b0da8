"""A monthly budget with warnings before the money is gone."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk.interfaces.aws_sns import ITopicRef
from constructs import Construct

from shardyard.core.arns import REGION, topic_arn
from shardyard.core.partition import outside_china
from shardyard.core.project import Project

ACTUAL_PERCENTS = (50, 80, 100)
"""Shares of the budget at which people are told."""


class MonthlyBudget(Construct):
    """Warns at 50, 80 and 100 percent of what is spent, and when the forecast passes the budget; not in China.

    It counts the whole account unless a tag filter is set: a tag counts nothing until someone activates it for
    billing, and a budget that counts nothing warns of nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        monthly_usd: str,
        topic: ITopicRef,
        tag_filter: str | None = None,
    ) -> None:
        """`monthly_usd` may be a token; `tag_filter` is the `key=value` that counts alone."""
        super().__init__(scope, construct_id)
        thresholds = [*(("ACTUAL", percent) for percent in ACTUAL_PERCENTS), ("FORECASTED", 100)]
        # As plain dicts: the typed property takes the amount as a number, and a parameter's value is a text.
        budget: dict[str, Any] = {
            # Budgets belong to the account and not to a region; without its name two regions would want the same one.
            "BudgetName": f"{project.prefix}-{REGION}",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": monthly_usd, "Unit": "USD"},
        }
        if tag_filter is not None:
            name, _, value = tag_filter.partition("=")
            budget["CostFilters"] = {"TagKeyValue": [f"user:{name}${value}"]}
        self.resource = cdk.CfnResource(
            self,
            "Resource",
            type=budgets.CfnBudget.CFN_RESOURCE_TYPE_NAME,
            properties={
                "Budget": budget,
                "NotificationsWithSubscribers": [
                    {
                        "Notification": {
                            "NotificationType": kind,
                            "ComparisonOperator": "GREATER_THAN",
                            "Threshold": percent,
                            "ThresholdType": "PERCENTAGE",
                        },
                        "Subscribers": [{"SubscriptionType": "SNS", "Address": topic_arn(topic)}],
                    }
                    for kind, percent in thresholds
                ],
            },
        )
        self.resource.cfn_options.condition = outside_china(self)
