"""What IAM is asked for a request to this service."""

from collections.abc import Iterator

from embedded.access import facts
from embedded.access.request_resources import Ask, Params, Where, pass_role
from embedded.protocol import Parsed

SERVICE = "codebuild.amazonaws.com"


@facts.resource_of("codebuild")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    ids = [*params.get("ids", ()), *([params["id"]] if "id" in params else [])]
    names = [*params.get("names", ()), *(params[key] for key in ("name", "projectName") if key in params)]
    names += [one.rpartition("/")[2].partition(":")[0] for one in ids]
    return [where.arn("codebuild", f"project/{name}") for name in dict.fromkeys(names)] or None


@facts.further("codebuild")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    for field in ("serviceRole", "serviceRoleOverride"):
        if field in parsed.params:
            yield pass_role(parsed.params[field], SERVICE)
