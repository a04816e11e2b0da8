"""AWS's service authorization reference: actions, the resources that each is asked on, and condition keys."""

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_PACKAGE = _HERE / "node_modules" / "@cloud-copilot" / "iam-data"
_PLACEHOLDER = re.compile(r"\\\$\\\{[^}]*\\\}|<[^>]*>|tag\\-key")


_MLFLOW_APP = "arn:${Partition}:sagemaker:${Region}:${Account}:mlflow-app/${MLflowAppId}"
_FURTHER_ARNS = {"sagemaker-mlflow": {"mlflow-tracking-server": _MLFLOW_APP}}
"""Resources that take the place of one of the reference's, by service and type.

The developer guide's own policies allow `sagemaker-mlflow:*` on MLflow apps (SageMaker AI developer guide, model
customization prerequisites, read on 2026-11-30); the reference of 2026-09-26 has tracking servers alone.
"""


class NotInstalled(Exception):
    """The reference is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """One type of resource of one service."""

    name: str
    arns: tuple[str, ...]
    """Its ARN, with `${Name}` where something is filled in; more than one where AWS's own policies have more."""
    keys: frozenset[str]
    """The condition keys that such a resource has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class On:
    """A type of resource that an action is asked on."""

    type: ResourceType
    required: bool
    """Every request names one of this type; otherwise some do."""
    keys: frozenset[str]
    """The condition keys that the action has on this type."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action, with its prefix, in AWS's own spelling."""

    name: str
    on: tuple[On, ...]
    """The types of resources; none for an action that is only asked on `*`."""
    own_keys: frozenset[str]

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every condition key that a request for this action may have, beside the global ones."""
        return self.own_keys.union(*(one.keys | one.type.keys for one in self.on))


@cache
def _read(kind: str, service: str) -> dict[str, Any]:
    if not _PACKAGE.exists():
        raise NotInstalled(f"{_PACKAGE} does not exist: run `make setup-test`, which installs the reference")
    path = _PACKAGE / "data" / kind / f"{service}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


@cache
def _resource_type(service: str, name: str) -> ResourceType:
    raw = _read("resourceTypes", service)[name.lower()]
    further = _FURTHER_ARNS.get(service, {}).get(name)
    arns = (raw["arn"],) if further is None else (raw["arn"], further)
    return ResourceType(name=name, arns=arns, keys=frozenset(raw.get("conditionKeys", ())))


@cache
def action(name: str) -> Action | None:
    """The action of this name, in whatever case; None if there is none."""
    service, _, own = name.partition(":")
    raw = _read("actions", service.lower()).get(own.lower())
    if raw is None:
        return None
    on = tuple(
        On(
            type=_resource_type(service.lower(), one["name"]),
            required=one["required"],
            keys=frozenset(one["conditionKeys"]),
        )
        for one in raw["resourceTypes"]
    )
    return Action(name=f"{service.lower()}:{raw['name']}", on=on, own_keys=frozenset(raw["conditionKeys"]))


@cache
def actions(pattern: str) -> tuple[Action, ...]:
    """Every action that a name with wildcards stands for, in order."""
    service, _, own = pattern.partition(":")
    wanted = re.compile(re.escape(own.lower()).replace(r"\*", ".*").replace(r"\?", "."))
    names = [name for name in _read("actions", service.lower()) if wanted.fullmatch(name)]
    found = (action(f"{service}:{name}") for name in sorted(names))
    return tuple(one for one in found if one is not None)


@cache
def global_keys() -> dict[str, str]:
    """The condition keys that every service knows, with their types."""
    command = ["node", str(_HERE / "global_keys.js")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = json.loads(told)
    return found


def key_type(key: str, among: frozenset[str], service: str) -> str | None:
    """The type of a condition key, if it is one of these of a service; None for a stranger."""
    for known in among:
        if is_key(key, known):
            raw = _read("conditionKeys", service).get(known.lower())
            return "String" if raw is None else str(raw["type"])
    return None


def global_key_type(key: str) -> str | None:
    """The type of a key that every service knows; None for a stranger."""
    return next((kind for known, kind in global_keys().items() if is_key(key, known)), None)


@cache
def is_key(key: str, known: str) -> bool:
    """Whether a policy's key is this key of the reference, which may have a part to fill in."""
    pattern = _PLACEHOLDER.sub("(.+)", re.escape(known))
    return re.fullmatch(pattern, key, re.IGNORECASE) is not None


def updated() -> datetime:
    """When the pinned reference was read from AWS."""
    package = json.loads((_PACKAGE / "package.json").read_text(encoding="utf-8"))
    return datetime.fromisoformat(package["updatedAt"])
