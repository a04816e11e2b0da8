"""What requests and answers of all algorithms have in common: content types, JSON, and where a model lies."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.refusal import Refused, RequestError
from training.builtin.protobuf import packed

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
RECORDS = "application/x-recordio-protobuf"

Body = str | bytes


def model_file(folder: str, name: str) -> Path:
    """The file of a model that a stand-in has written."""
    path = Path(folder) / name
    if not path.is_file():
        found = sorted(one.name for one in Path(folder).iterdir())
        raise Refused(
            f"the model has no file {name} ({', '.join(found[:10]) if found else 'it is empty'}): "
            "the stand-in serves what it has trained itself"
        )
    return path


def media_type(kind: str) -> str:
    """A content type without its parameters."""
    return kind.partition(";")[0].strip().lower()


def known(kind: str, read: Sequence[str]) -> str:
    """The content type of a request, if it is read."""
    found = media_type(kind)
    if found not in read:
        raise RequestError(f"the content type {kind!r} is not read here; known: {', '.join(read)}", 415)
    return found


def chosen(accept: str, made: Sequence[str]) -> str:
    """The first content type that the client accepts and that is made; of several equal ones the first made."""
    for word in accept.split(","):
        found = media_type(word)
        if found in made:
            return found
        if found in ("*/*", "application/*"):
            return made[0]
    raise RequestError(f"no answer is made as {accept!r}; known: {', '.join(made)}", 406)


def text_of(body: Body) -> str:
    """A body as text."""
    try:
        return body if isinstance(body, str) else body.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is no text: byte {error.start} is not UTF-8") from None


def parsed(body: Body) -> Any:
    """A body of JSON."""
    try:
        return json.loads(body)
    except RecursionError:
        raise RequestError("the body is no JSON that can be read: its lists lie too deep in each other") from None
    except ValueError as error:
        raise RequestError(f"the body is no JSON: {error}") from None


def parsed_lines(body: Body) -> Iterator[tuple[str, Any]]:
    """The records of a body of JSON Lines, each with what it is called."""
    found = False
    for number, line in enumerate(text_of(body).splitlines(), start=1):
        if not line.strip():
            continue
        found = True
        try:
            yield f"line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"line {number} is no JSON: {error}") from None
    if not found:
        raise RequestError("the body has no line with a record")


def instances(request: Any) -> list[tuple[str, Any]]:
    """The instances of a request, each with what it is called."""
    found = request.get("instances") if isinstance(request, dict) else None
    if not isinstance(found, list) or not found:
        raise RequestError('the body is no object with a list of instances, and one at least: {"instances": [...]}')
    return [(f"instance {number}", one) for number, one in enumerate(found, start=1)]


def lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    """A record on each line; the last line has no end, as whoever assembles answers gives it one."""
    return "\n".join(json.dumps(one) for one in records).encode()


def predictions(records: Sequence[Mapping[str, Any]], accept: str, made: Sequence[str]) -> tuple[bytes, str]:
    """What is said of each row in the format that the client accepts, and that format."""
    kind = chosen(accept, made)
    if kind == JSON_LINES:
        return lines(records), kind
    if kind == CSV:
        return "\n".join(",".join(map(str, one.values())) for one in records).encode(), kind
    if kind == RECORDS:
        return b"".join(packed({name: _list(value) for name, value in one.items()}) for one in records), kind
    return json.dumps({"predictions": records}).encode(), kind


def _list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]
