"""The project's settings: one tree of frozen dataclasses, read from cdk.json and `-c key=value`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from shardyard.spec import names
from shardyard.spec.errors import Problem, SpecError, is_too_deep, too_deep
from shardyard.spec.files import read_text
from shardyard.spec.owners import OWNER, OWNER_SAYS
from shardyard.spec.services import BY_KEY, refusal
from shardyard.spec.settings.account import (
    AlertSettings,
    BudgetSettings,
    IdentitySettings,
    QuotaSettings,
    TrainingSettings,
    tag_problems,
)
from shardyard.spec.settings.images import ImageSettings
from shardyard.spec.settings.network import NetworkSettings
from shardyard.spec.settings.notebooks import NotebookSettings
from shardyard.spec.settings.serving import ServingSettings
from shardyard.spec.settings.upkeep import RetentionSettings, SweeperSettings
from shardyard.spec.tree import build, setting


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything about the project that is not a job."""

    project: str = setting(
        "shardyard",
        "The first part of every name.",
        pattern=r"[a-z][a-z0-9-]{1,18}[a-z0-9]",
        says="3 to 20 small letters, digits and hyphens, a letter first",
    )
    stage: Literal["dev", "staging", "prod"] = setting(
        "dev",
        "`prod` retains data on removal; `dev` and `staging` can be destroyed completely. Otherwise `staging` is like "
        "`prod`.",
    )
    owner: str = setting(
        "unnamed",
        "Who is responsible for the resources: the tag `owner`.",
        pattern=OWNER,
        says=OWNER_SAYS,
    )
    network: NetworkSettings = setting(doc="Where training and notebooks run.", factory=NetworkSettings)
    identity: IdentitySettings = setting(doc="Settings for all roles.", factory=IdentitySettings)
    retention: RetentionSettings = setting(doc="Retention periods.", factory=RetentionSettings)
    images: ImageSettings = setting(doc="Where images are built.", factory=ImageSettings)
    training: TrainingSettings = setting(doc="Settings for all training jobs.", factory=TrainingSettings)
    serving: ServingSettings = setting(doc="Settings for all endpoints.", factory=ServingSettings)
    sweeper: SweeperSettings = setting(doc="The search for unused resources that bill.", factory=SweeperSettings)
    notebooks: NotebookSettings = setting(doc="Git-linked notebook instances.", factory=NotebookSettings)
    quotas: QuotaSettings = setting(doc="Quotas to raise.", factory=QuotaSettings)
    budget: BudgetSettings = setting(doc="The monthly budget.", factory=BudgetSettings)
    alerts: AlertSettings = setting(doc="Who gets alerts, and when.", factory=AlertSettings)
    tags: dict[str, str] = setting(doc="Further tags for every resource.", factory=dict)

    def __post_init__(self) -> None:
        problems = (*self._problems(), *tag_problems(self.tags))
        if problems:
            raise SpecError(problems)

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the CDK context, in which `-c` makes every value a string and dotted keys name nested settings."""
        tree = _nested(context)
        deep = [key for key, value in tree.items() if is_too_deep(value)]
        if deep:
            raise SpecError(map(too_deep, deep))
        problems = list(_gone(tree))
        settings = build(cls, tree, where="", problems=problems, text=True)
        if settings is None or problems:
            raise SpecError(problems)
        return settings

    @classmethod
    def from_file(cls, cdk_json: Path) -> Self:
        """Read the context that cdk.json holds; without the file, the defaults."""
        return cls.from_context(context_of(cdk_json))

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags on every resource."""
        return {"project": self.project, "stage": self.stage, "owner": self.owner, **self.tags}

    @property
    def retains_data(self) -> bool:
        """Whether buckets and keys outlive their stack."""
        return self.stage == "prod"

    @property
    def endpoint_zones(self) -> int:
        """The number of zones with an interface endpoint: one is enough for dev, and costs less."""
        return 1 if self.stage == "dev" else self.network.zones

    def stack_name(self, part: str) -> str:
        """The name of the stack that holds one part of the project."""
        return names.stack_name(self.project, self.stage, part)

    def _problems(self) -> Iterator[Problem]:
        access, kind = self.notebooks.git_access, self.network.kind
        if self.notebooks.enabled and access == "own-route" and kind != "existing":
            yield Problem(
                "notebooks.git_access",
                f"'own-route' needs network.kind 'existing' with a route to the git host, and kind is {kind!r}: "
                "the VPC that this project makes has no route out",
            )
        if self.notebooks.enabled and access == "codecommit" and kind != "new":
            yield Problem(
                "notebooks.git_access", f"'codecommit' makes an endpoint in the new VPC, and network.kind is {kind!r}"
            )
        if self.notebooks.enabled and kind == "none" and access != "direct":
            yield Problem(
                "notebooks.enabled",
                "true needs a VPC (network.kind 'new' or 'existing'), or notebooks.git_access 'direct'",
            )


def context_of(cdk_json: Path) -> dict[str, Any]:
    """The context in cdk.json; empty without the file."""
    if not cdk_json.exists():
        return {}
    try:
        content = json.loads(read_text(cdk_json))
    except OSError as error:
        raise SpecError([Problem(str(cdk_json), f"cannot be read: {error.strerror}")]) from None
    except (ValueError, RecursionError) as error:
        raise SpecError([Problem(str(cdk_json), f"is not JSON: {error}")]) from None
    context = content.get("context", {}) if isinstance(content, dict) else content
    if not isinstance(context, dict):
        raise SpecError([Problem(str(cdk_json), 'holds no settings; write {"context": {"stage": "dev"}}')])
    return context


def _gone(tree: dict[str, Any]) -> Iterator[Problem]:
    """Remove settings for services that AWS no longer offers, and report what to use instead."""
    for key in list(tree):
        service = BY_KEY.get(key.replace("_", "-"))
        reason = refusal(service.key) if service is not None else None
        if reason is not None:
            del tree[key]
            yield Problem(key, reason)


def _nested(context: Mapping[str, Any]) -> dict[str, Any]:
    """Drop CDK's own keys (they contain ':', '/' or '@') and turn dotted keys into tables."""
    tree: dict[str, Any] = {}
    for key, value in sorted(context.items(), key=lambda item: item[0].count(".")):
        if re.search(r"[:/@]", key) and not key.startswith("tags."):
            continue
        *tables, last = key.split(".")
        place = tree
        for table in tables:
            child = place.get(table)
            place[table] = place = dict(child) if isinstance(child, Mapping) else {}
        place[last] = _from_json(value)
    return tree


def _from_json(value: Any) -> Any:
    """Read a table or a list of tables, which a command line can only give as JSON."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
