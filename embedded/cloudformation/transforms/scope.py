"""What a transform can see: parameters and pseudo parameters, and no resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates.parameters import Parameter


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The stack that the template is for."""

    pseudo: Mapping[str, Any]
    """The pseudo parameters that are known before the stack is."""


class NotYet(Exception):
    """A value that only the deployment will know."""


class Plain:
    """Looks up what is known before any resource is."""

    def __init__(self, parameters: Mapping[str, Parameter], scope: Scope) -> None:
        self._parameters, self._scope = parameters, scope

    def ref(self, name: str) -> Any:
        """A parameter or a pseudo parameter."""
        if name in self._parameters:
            return self._parameters[name].value
        if name in self._scope.pseudo:
            return self._scope.pseudo[name]
        raise NotYet(name)

    def attribute(self, logical_id: str, name: str) -> Any:
        """Resources are not there yet."""
        raise NotYet(f"{logical_id}.{name}")

    def imported(self, name: str) -> Any:
        """Exports are read when the stack is deployed."""
        raise NotYet(name)


class _Strict(Plain):
    """The same, for the parameters of a transform: they must be known."""

    def ref(self, name: str) -> Any:
        try:
            return super().ref(name)
        except NotYet:
            raise TemplateError(f"Template error: a transform refers to {name}, which is no parameter") from None

    def attribute(self, logical_id: str, name: str) -> Any:
        raise TemplateError(f"Template error: a transform refers to {logical_id}.{name}, which is not known yet")

    def imported(self, name: str) -> Any:
        raise TemplateError("Template error: Fn::ImportValue is not allowed in a transform")


def plain(parameters: Mapping[str, Parameter], scope: Scope) -> Plain:
    """A lookup for a transform's own parameters."""
    return _Strict(parameters, scope)
