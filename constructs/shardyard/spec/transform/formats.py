"""CSV and JSON as batch transform's filters and joins read and write them.

The service's agent writes JSON with its keys in order and without spaces: outputs that people have published begin
`{"ISBN":..,"SageMakerOutput":{..},"device_id":..}` and `{"SageMakerOutput":{..},"cost":28.6,"day_of_week":2}`.
Numbers keep their values; whether the service would write 1.0 as 1 is not published.
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from shardyard.spec.transform.errors import TransformError

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
FORMATS = (CSV, JSON, JSON_LINES)
"""The content types that filters and joins know."""


def media_type(content_type: str) -> str:
    """A content type without its parameters: `text/csv; charset=utf-8` is `text/csv`."""
    return content_type.partition(";")[0].strip().lower()


def read_row(line: bytes, whose: str) -> list[str]:
    """The columns of one CSV row."""
    text = _text(line, whose).removesuffix("\r")
    if '"' not in text:
        return text.split(",") if text else []
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise TransformError(f"Failed to parse {whose} as CSV: {error} near: {text[:80]}") from None
    return rows[0]


def write_row(columns: Sequence[str]) -> bytes:
    """One CSV row without its newline; columns are quoted where they must be."""
    if not any(letter in column for column in columns for letter in ',"\r\n'):
        return ",".join(columns).encode()
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(columns)
    return out.getvalue().encode()


def read_json(text: bytes, whose: str) -> Any:
    """One JSON value."""
    try:
        return json.loads(_text(text, whose), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        near = text[:80].decode(errors="replace")
        raise TransformError(f"Failed to parse {whose} as JSON: {error} near: {near}") from None


def write_json(value: Any) -> bytes:
    """One JSON value as the service's agent writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _text(raw: bytes, whose: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise TransformError(f"Failed to parse {whose}: it is not UTF-8 text at byte {error.start}") from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON value")
