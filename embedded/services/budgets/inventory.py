"""What the inventory lists of this service."""

from collections.abc import Iterator

from embedded import inventory
from embedded.clients import client


@inventory.kind("budgets")
def _budgets(account: str, region: str) -> Iterator[str]:
    answer = client("budgets", account, region).describe_budgets(AccountId=account)
    yield from (item["BudgetName"] for item in answer["Budgets"])
