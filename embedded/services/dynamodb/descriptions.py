"""What DynamoDB says of a table, where moto 5.2.5 says more or less."""

import uuid
from typing import Any

from moto.dynamodb.models.table import Table

from embedded import moto_patches

_moto_describe = Table.describe


def describe(table: Table, base_key: str = "TableDescription") -> dict[str, Any]:
    """A table with its id; what it has not is left out, and so is the billing mode that is the default."""
    found: dict[str, Any] = _moto_describe(table, base_key=base_key)
    told = found[base_key]
    told["TableId"] = vars(table).setdefault("table_id", str(uuid.uuid4()))
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if not told[name]:
            del told[name]
    if told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST":
        told["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = told["CreationDateTime"]
    else:
        del told["BillingModeSummary"]
    return found


moto_patches.replace(
    Table,
    "describe",
    describe,
    reason="it has no id, and lists what is not there (recorded for 4 tables, 2023 to 2025)",
)
