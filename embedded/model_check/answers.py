"""An answer of our own against its operation's model: what is of another type would be written as nobody reads it."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded.model_check.constraints import fits


def broken(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Each place where a value is of another type than its shape.

    Members that the shape lacks are not written: a list answers with what a description has, and more. Enums are left
    out: services answer words that their own models lack (a stack's event may be
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS).
    """
    kind = shape.type_name
    if value is None or getattr(shape, "is_document_type", False):
        return
    if hasattr(value, "read") or getattr(shape, "event_stream_name", None) is not None:
        return
    if not fits(kind, value):
        yield f"{path} is a {type(value).__name__}, not a {kind}"
    elif kind == "structure":
        for name, member in value.items():
            if name in shape.members:
                yield from broken(shape.members[name], member, f"{path}.{name}")
    elif kind == "list":
        for index, item in enumerate(value):
            yield from broken(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        for key, item in value.items():
            yield from broken(shape.key, key, f"{path} key")
            yield from broken(shape.value, item, f"{path}[{key!r}]")


def check(operation: Any, result: Mapping[str, Any]) -> None:
    """Raise `AssertionError` for an answer that breaks its model: a fault of this cloud, not of the caller."""
    shape = operation.output_shape
    found = [] if shape is None else list(broken(shape, result))
    assert not found, f"the answer breaks the model: {'; '.join(found)}"
