"""Stack policies: which resources an update may not touch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from embedded.cloudformation.errors import TemplateError

_ACTIONS = frozenset({"Update:*", "Update:Modify", "Update:Replace", "Update:Delete"})
_TESTS = frozenset({"StringEquals", "StringLike"})
_KEYS = frozenset({"Effect", "Action", "NotAction", "Principal", "Resource", "NotResource", "Condition", "Sid"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPolicy:
    """A policy's statements; one without statements allows everything."""

    statements: tuple[Mapping[str, Any], ...]

    def denial(self, action: str, logical_id: str, type_name: str) -> str | None:
        """Why the policy forbids `Update:Modify`, `Update:Replace` or `Update:Delete`; None where it allows it."""
        if not self.statements:
            return None
        allowed = False
        for number, statement in enumerate(self.statements, 1):
            if not _concerns(statement, action, logical_id, type_name):
                continue
            if statement["Effect"] == "Deny":
                return (
                    f"Action denied by stack policy: Statement [#{number}] does not allow "
                    f"[{_joined(statement, 'Action')}] for resource [{_joined(statement, 'Resource')}]"
                )
            allowed = True
        return None if allowed else f"Action denied by stack policy: no statement allows [{action}] for [{logical_id}]"


def _joined(statement: Mapping[str, Any], key: str) -> str:
    return ", ".join(_listed(statement.get(key, statement.get(f"Not{key}"))))


def _concerns(statement: Mapping[str, Any], action: str, logical_id: str, type_name: str) -> bool:
    names = f"LogicalResourceId/{logical_id}"
    return (
        _named(statement, "Action", action)
        and _named(statement, "Resource", names)
        and all(
            any(fnmatchcase(type_name, item) if test == "StringLike" else type_name == item for item in _listed(types))
            for test, keys in (statement.get("Condition") or {}).items()
            for types in keys.values()
        )
    )


def _named(statement: Mapping[str, Any], key: str, value: str) -> bool:
    if key in statement:
        return any(fnmatchcase(value, item) for item in _listed(statement[key]))
    return not any(fnmatchcase(value, item) for item in _listed(statement[f"Not{key}"]))


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def read(text: str) -> StackPolicy:
    """Read a policy; raises `TemplateError` in the service's words."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not set(document) <= {"Statement", "Version"}:
        raise TemplateError("Error validating stack policy: Invalid stack policy")
    given = document.get("Statement", [])
    statements = given if isinstance(given, list) else [given]
    if not all(isinstance(item, dict) and _is_statement(item) for item in statements):
        raise TemplateError("Error validating stack policy: Invalid stack policy")
    return StackPolicy(statements=tuple(statements))


def _is_statement(item: Mapping[str, Any]) -> bool:
    condition = item.get("Condition", {})
    return (
        set(item) <= _KEYS
        and item.get("Effect") in ("Allow", "Deny")
        and ("Action" in item) != ("NotAction" in item)
        and ("Resource" in item) != ("NotResource" in item)
        and item.get("Principal") == "*"
        and set(_listed(item.get("Action", item.get("NotAction")))) <= _ACTIONS
        and isinstance(condition, dict)
        and set(condition) <= _TESTS
        and all(isinstance(keys, dict) and set(keys) == {"ResourceType"} for keys in condition.values())
    )
