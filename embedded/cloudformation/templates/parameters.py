"""Parameters: what was given, what was there before, what the template defaults to, and whether it may be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates.intrinsics import UNKNOWN

_SSM = re.compile(r"^AWS::SSM::Parameter::Value<(?P<inner>.+)>$")
_MASK = "****"
SsmReader = Callable[[str], str]
"""Gives the value of a parameter of the Systems Manager, or raises LookupError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter of a stack, with its value."""

    name: str
    given: str
    """The value as given: for a parameter from the Systems Manager, the name there."""

    value: Any
    """What a Ref answers: text, or a list of texts."""

    no_echo: bool = False
    resolved: str | None = None
    """The value read from the Systems Manager."""

    def changes(self, before: "Parameter | None") -> bool:
        """Whether an update gives it another value; one that has changed in the Systems Manager is none of these."""
        return before is None or before.given != self.given

    def description(self) -> dict[str, str]:
        """As DescribeStacks tells it."""
        answer = {"ParameterKey": self.name, "ParameterValue": _MASK if self.no_echo else self.given}
        return answer if self.resolved is None else answer | {"ResolvedValue": self.resolved}


def work_out(
    declared: Mapping[str, Mapping[str, Any]],
    given: list[dict[str, Any]],
    previous: Mapping[str, Parameter],
    read_ssm: SsmReader,
) -> dict[str, Parameter]:
    """The value of each declared parameter; the error names the parameter and the constraint."""
    by_name = {item["ParameterKey"]: item for item in given}
    unknown = sorted(set(by_name) - set(declared))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts = {name: _text(name, rules, by_name.get(name), previous.get(name)) for name, rules in declared.items()}
    for name, rules in declared.items():
        if _SSM.match(str(rules.get("Type"))) and not texts[name]:
            raise TemplateError(f"Parameter {name} should either have input value or default value")
    missing = sorted(name for name, text in texts.items() if text is None)
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _parameter(name, rules, text, read_ssm)
        for name, rules in declared.items()
        if (text := texts[name]) is not None
    }


def _text(
    name: str, rules: Mapping[str, Any], given: Mapping[str, Any] | None, previous: Parameter | None
) -> str | None:
    if given is not None and given.get("UsePreviousValue"):
        if previous is None:
            raise TemplateError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key "
                "not in the previous template"
            )
        return previous.given
    if given is not None and "ParameterValue" in given:
        return str(given["ParameterValue"])
    default = rules.get("Default")
    return None if default is None else _plain(default)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(name: str, rules: Mapping[str, Any], text: str, read_ssm: SsmReader) -> Parameter:
    kind = str(rules.get("Type", "String"))
    no_echo = _plain(rules.get("NoEcho", "false")) == "true"
    from_ssm = _SSM.match(kind)
    resolved = None
    value_text = text
    if UNKNOWN in text:  # a nested stack's, in a change set: it comes from what is not there yet
        return Parameter(name=name, given=text, value=text, no_echo=no_echo)
    if from_ssm is not None:
        kind = from_ssm["inner"]
        try:
            value_text = resolved = read_ssm(text)
        except LookupError:
            raise TemplateError(f"Unable to fetch parameters [{text}] from parameter store for this account.") from None
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    items = [item.strip() for item in value_text.split(",")] if is_list and value_text else []
    for item in items if is_list else [text if from_ssm is None else value_text]:
        _check(name, kind, rules, item)
    value: Any = items if is_list else value_text
    return Parameter(name=name, given=text, value=value, no_echo=no_echo, resolved=resolved)


def _check(name: str, kind: str, rules: Mapping[str, Any], text: str) -> None:
    """Raise with CloudFormation's words, or with the template's own if it has some."""

    def refuse(why: str) -> TemplateError:
        hint = rules.get("ConstraintDescription")
        return TemplateError(f"Parameter '{name}' {f'failed to satisfy constraint: {hint}' if hint else why}")

    if kind in ("Number", "List<Number>"):
        try:
            number = float(text)
        except ValueError:
            raise TemplateError(f"Parameter '{name}' must be a number.") from None
        if "MinValue" in rules and number < float(rules["MinValue"]):
            raise refuse(f"must be a number not less than {rules['MinValue']}")
        if "MaxValue" in rules and number > float(rules["MaxValue"]):
            raise refuse(f"must be a number not greater than {rules['MaxValue']}")
    if "AllowedValues" in rules and text not in [_plain(item) for item in rules["AllowedValues"]]:
        allowed = ", ".join(_plain(item) for item in rules["AllowedValues"])
        raise (
            TemplateError(f"Parameter '{name}' must be one of AllowedValues: [{allowed}]; it is {text!r}")
            if not rules.get("ConstraintDescription")
            else refuse("")
        )
    if "AllowedPattern" in rules and not re.fullmatch(rules["AllowedPattern"], text):
        raise refuse(f"must match pattern {rules['AllowedPattern']}")
    if "MinLength" in rules and len(text) < int(rules["MinLength"]):
        raise refuse(f"must contain at least {rules['MinLength']} characters")
    if "MaxLength" in rules and len(text) > int(rules["MaxLength"]):
        raise refuse(f"must contain at most {rules['MaxLength']} characters")
