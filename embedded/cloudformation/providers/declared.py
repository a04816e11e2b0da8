"""Resources whose API is regular: create, describe, update and delete by name. A table is enough to say how."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import PROVIDERS, Made, Props, Provider
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, to_template, without

_ABSENT = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent", "ould not find", "annot find", "not found")


def is_absent(error: ClientError) -> bool:
    """Whether a service's error says that the thing is not there."""
    detail = error.response["Error"]
    text = f"{detail.get('Code', '')} {detail.get('Message', '')}"
    return any(word in text for word in _ABSENT) or "does not exist" in text


@dataclass(kw_only=True)
class Declared(Provider):
    """A provider by table."""

    type: str  # type: ignore[misc]
    service: str
    create_operation: str
    describe_operation: str
    delete_operation: str
    update_operation: str | None = None
    name: str
    """The property that holds the name; one is made where the template gives none."""

    key: str | None = None
    """The parameter of describe, update and delete that says which; by default as `name`."""

    result: str | None = None
    """Where in describe's answer the thing lies."""

    ref: str | None = None
    """What in describe's answer Ref gives; by default the name."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    """GetAtt's attributes, and where in describe's answer they lie."""

    rename: Mapping[str, str] = field(default_factory=dict)
    """A template's property to the API's parameter, where the names differ."""

    answered: Mapping[str, str] = field(default_factory=dict)
    """A template's property to describe's field, where only the answer has another name."""

    tokens: bool = False
    """Whether create and delete demand a client request token."""

    fixed_at_creation: frozenset[str] = frozenset()
    """Properties that the update operation does not take."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that the API demands and templates may leave out."""

    name_limit: int = 63
    lower: bool = False
    unread: frozenset[str] = frozenset()  # type: ignore[misc]

    def __post_init__(self) -> None:
        PROVIDERS[self.type] = self

    def create(self, props: Props, ctx: Context) -> Made:
        """Make it under its name, or under one that is made for it."""
        name = str(props.get(self.name, ""))
        if not name:
            name = ctx.name(self.name_limit, lower=self.lower)
        call(
            ctx.client(self.service),
            self.create_operation,
            {**self.defaults, **self._token(), **self.parameters({**props, self.name: name}, ctx)},
        )
        ctx.begin(name)
        return self._made(name, ctx)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change it in place, and its tags."""
        name = self._name(physical_id)
        client = ctx.client(self.service)
        if self.update_operation is not None and without(old, "Tags") != without(new, "Tags"):
            props = without(new, "Tags", self.name, *self.fixed_at_creation)
            call(client, self.update_operation, {self._key: name, **self.parameters(props, ctx)})
        elif without(old, "Tags") != without(new, "Tags"):
            return super().update(physical_id, old, new, ctx)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        self.retag(name, changed, removed, ctx)
        return self._made(name, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it away."""
        try:
            call(ctx.client(self.service), self.delete_operation, {self._key: self._name(physical_id), **self._token()})
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its properties by describe, and its tags."""
        try:
            found = self.describe(self._name(physical_id), ctx)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        back = {api: cfn for cfn, api in (*self.rename.items(), *self.answered.items())}
        answer = {back.get(key, key): value for key, value in to_template(found).items()}
        tags = self.tags(self._name(physical_id), ctx) if "Tags" in props else None
        return answer if tags is None else {**answer, "Tags": tag_list(tags)}

    def _token(self) -> dict[str, str]:
        return {"ClientRequestToken": uuid.uuid4().hex} if self.tokens else {}

    @property
    def _key(self) -> str:
        return self.name if self.key is None else self.key

    def _name(self, physical_id: str) -> str:
        return physical_id.split("/", 1)[-1] if physical_id.startswith("arn:") else physical_id

    def parameters(self, props: Props, ctx: Context) -> dict[str, Any]:
        """The API's parameters for a template's properties."""
        return {self.rename.get(key, key): value for key, value in props.items()}

    def describe(self, name: str, ctx: Context) -> dict[str, Any]:
        """What the service says of it."""
        answer = call(ctx.client(self.service), self.describe_operation, {self._key: name})
        found: dict[str, Any] = answer if self.result is None else answer[self.result]
        return found

    def tags(self, name: str, ctx: Context) -> Any:
        """Its tags, as the service answers them; None where only describe's answer has them, if any."""
        return None

    def retag(self, name: str, changed: dict[str, str], removed: list[str], ctx: Context) -> None:
        """Set and remove tags: each service has its own operations for that."""

    def _made(self, name: str, ctx: Context) -> Made:
        if self.ref is None and not self.attributes:
            return Made(physical_id=name)
        found = self.describe(name, ctx)
        physical_id = name if self.ref is None else found[self.ref]
        return Made(
            physical_id=physical_id, attributes={name: found.get(path) for name, path in self.attributes.items()}
        )
