"""CodeBuild: projects, as resources of a stack."""

from typing import Any

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.shapes import call, tag_list, to_template, without

_RENAMED = {"BuildSpec": "buildspec"}
_ELSEWHERE = ("Name", "Tags")


@provider
class Project(Provider):
    """`AWS::CodeBuild::Project`."""

    type = "AWS::CodeBuild::Project"
    identifier = "Name"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        name = str(props.get("Name", ctx.name(150)))
        call(ctx.client("codebuild"), "CreateProject", _parameters(name, props))
        return self._made(name, ctx)

    @staticmethod
    def _made(name: str, ctx: Context) -> Made:
        return Made(physical_id=name, attributes={"Arn": ctx.arn("codebuild", f"project/{name}")})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change all of it."""
        call(ctx.client("codebuild"), "UpdateProject", _parameters(physical_id, new))
        return self._made(physical_id, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it; one that is gone is no error of the service's either."""
        ctx.client("codebuild").delete_project(name=physical_id)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the service says of it."""
        found = ctx.client("codebuild").batch_get_projects(names=[physical_id])["projects"]
        if not found:
            return None
        answer: Props = to_template(found[0])
        source = answer["Source"]
        if "Buildspec" in source:
            source["BuildSpec"] = source.pop("Buildspec")
        answer["Tags"] = tag_list(found[0].get("tags"))
        return answer


def _parameters(name: str, props: Props) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": name,
        "tags": _lower(tag_list(props.get("Tags"))),
        **_lower(without(props, *_ELSEWHERE)),
    }
    return given


def _lower(value: Any) -> Any:
    """CloudFormation's names as the API has them."""
    if isinstance(value, dict):
        return {_RENAMED.get(key, key[:1].lower() + key[1:]): _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value
