"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("dynamodb")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "ResourceArn" in params:
        return [params["ResourceArn"]]
    items = params.get("RequestItems", {})
    names = [params["TableName"]] if "TableName" in params else sorted(items)
    tables = [name if name.startswith("arn:") else where.arn("dynamodb", f"table/{name}") for name in names]
    if "IndexName" in params:
        return [f"{table}/index/{params['IndexName']}" for table in tables]
    return tables or None
