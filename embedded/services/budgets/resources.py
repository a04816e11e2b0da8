"""Budgets, with their notifications and subscribers."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call


@provider
class Budget(Provider):
    """`AWS::Budgets::Budget`."""

    type = "AWS::Budgets::Budget"
    unread = frozenset({"ResourceTags"})

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it with its notifications."""
        name = str(props["Budget"].get("BudgetName", ctx.name(100)))
        self._create(name, props, ctx)
        return Made(physical_id=name)

    @staticmethod
    def _create(name: str, props: Props, ctx: Context) -> None:
        params: dict[str, Any] = {"AccountId": ctx.account, "Budget": {**props["Budget"], "BudgetName": name}}
        if "NotificationsWithSubscribers" in props:
            params["NotificationsWithSubscribers"] = props["NotificationsWithSubscribers"]
        call(ctx.client("budgets"), "CreateBudget", params)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change its limit: the notifications stay, as on AWS."""
        params = {"AccountId": ctx.account, "NewBudget": {**new["Budget"], "BudgetName": physical_id}}
        call(ctx.client("budgets"), "UpdateBudget", params)
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("budgets").delete_budget(AccountId=ctx.account, BudgetName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The budget and whom it tells."""
        budgets = ctx.client("budgets")
        where = {"AccountId": ctx.account, "BudgetName": physical_id}
        try:
            found: Props = {"Budget": budgets.describe_budget(**where)["Budget"]}
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        told = []
        for item in budgets.describe_notifications_for_budget(**where)["Notifications"]:
            answer = budgets.describe_subscribers_for_notification(**where, Notification=item)
            told.append({"Notification": item, "Subscribers": answer["Subscribers"]})
        found["NotificationsWithSubscribers"] = told
        return found
