"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.action_name("budgets")
def _action(operation: str, params: Params) -> str:
    return "ViewBudget" if operation.startswith("Describe") else "ModifyBudget"


@facts.resource_of("budgets")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    budget: Params = params.get("Budget") or params.get("NewBudget") or {}
    name = params.get("BudgetName", budget.get("BudgetName", "*"))
    return [f"arn:{where.partition}:budgets::{where.account}:budget/{name}"]
