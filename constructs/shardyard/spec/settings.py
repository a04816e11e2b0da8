"""The project's settings: one tree of frozen dataclasses, read from cdk.json and `-c key=value`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from shardyard.spec import names
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import build, setting

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything about the project that is not a job."""

    project: str = setting(
        "shardyard",
        "The first part of every name.",
        pattern=r"[a-z][a-z0-9-]{1,18}[a-z0-9]",
        says="3 to 20 small letters, digits and hyphens, a letter first",
    )
    stage: Literal["dev", "prod"] = setting("dev", "`prod` retains data on removal; `dev` can be destroyed completely.")

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the CDK context, in which `-c` makes every value a string and dotted keys name nested settings."""
        problems: list[Problem] = []
        settings = build(cls, _nested(context), where="", problems=problems, text=True)
        if settings is None:
            raise SpecError(problems)
        return settings

    @classmethod
    def from_file(cls, cdk_json: Path) -> Self:
        """Read the context that cdk.json holds; without the file, the defaults."""
        if not cdk_json.exists():
            return cls()
        context: Mapping[str, Any] = json.loads(cdk_json.read_text()).get("context", {})
        return cls.from_context(context)

    def stack_name(self, part: str) -> str:
        """The name of the stack that holds one part of the project."""
        return names.stack_name(self.project, self.stage, part)


def _nested(context: Mapping[str, Any]) -> dict[str, Any]:
    """Drop CDK's own keys (they contain ':', '/' or '@') and turn dotted keys into tables."""
    tree: dict[str, Any] = {}
    for key, value in sorted(context.items(), key=lambda item: item[0].count(".")):
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key):
            continue
        *tables, last = key.split(".")
        place = tree
        for table in tables:
            child = place.get(table)
            place[table] = place = dict(child) if isinstance(child, Mapping) else {}
        place[last] = value
    return tree
