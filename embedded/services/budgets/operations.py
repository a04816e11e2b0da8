"""Budgets: the operations that moto lacks, on moto's own budgets."""

from collections.abc import Iterator
from typing import Any

from moto.budgets.models import Budget, Notification, budgets_backends
from moto.utilities.utils import get_partition

from embedded.operations import Call, Params, ServiceError, operation

_SERVICE = "budgets"


def _budget(call: Call, params: Params, name: str) -> Budget:
    backend = budgets_backends[call.account][get_partition(call.region)]
    found = backend.budgets[params["AccountId"]].get(name)
    if found is None:
        raise ServiceError("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.", 404)
    return found


def _same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    keys = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(str(left.get(key)) == str(right.get(key)) for key in keys)


def _notifications(budget: Budget, wanted: dict[str, Any]) -> Iterator[Notification]:
    return (item for item in budget.notifications if _same(item.details, wanted))


@operation(_SERVICE, "UpdateBudget")
def update_budget(call: Call, params: Params) -> dict[str, Any]:
    """Put a new budget in the old one's place; who is told stays."""
    new = params["NewBudget"]
    budget = _budget(call, params, new["BudgetName"])
    period = budget.budget["TimePeriod"]
    budget.budget = Budget({"TimePeriod": period, **new}, []).budget
    return {}


@operation(_SERVICE, "DescribeSubscribersForNotification")
def describe_subscribers(call: Call, params: Params) -> dict[str, Any]:
    """Whom a notification tells."""
    budget = _budget(call, params, params["BudgetName"])
    for item in _notifications(budget, params["Notification"]):
        return {"Subscribers": item.subscribers}
    raise ServiceError("NotFoundException", "Unable to find notification.", 404)
