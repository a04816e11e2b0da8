"""Secrets out of what programs print: their values are looked for in every byte that passes, also split over writes."""

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from training.launcher.supervise import Supervisor

SHORTEST_BYTES = 8
"""A shorter value stands in too many words: hiding `admin` would spoil a log and hide little."""


class Hidden:
    """The values to hide, and what stands in their place."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        self._pattern: re.Pattern[bytes] | None = None

    def add(self, values: Mapping[str, str]) -> list[str]:
        """Hide these from now on, by the variable's name; returns the names of those that are too short for it."""
        short = []
        for name, value in values.items():
            if len(value.encode()) < SHORTEST_BYTES:
                short.append(name)
                continue
            for form in _forms(value):
                self._names.setdefault(form, f"[secret {name}]".encode())
        if self._names:
            # The longest first: one value may begin as another does
            forms = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile(b"|".join(re.escape(form) for form in forms))
        return short

    def replace(self, data: bytes) -> tuple[bytes, bytes]:
        """What may pass on of the data, without values, and what may be the beginning of one and must wait."""
        if self._pattern is None:
            return data, b""
        parts, place = [], 0
        while True:
            wait_from = self._may_begin(data, place)
            found = self._pattern.search(data, place)
            if found is None or found.start() >= wait_from:
                parts.append(data[place:wait_from])
                return b"".join(parts), data[wait_from:]
            parts += [data[place : found.start()], self._names[found[0]]]
            place = found.end()

    def replace_all(self, data: bytes) -> bytes:
        """The same of data after which nothing comes."""
        return data if self._pattern is None else self._pattern.sub(lambda found: self._names[found[0]], data)

    def _may_begin(self, data: bytes, place: int) -> int:
        """Where the longest end of the data lies with which a value begins."""
        first = len(data)
        for form in self._names:
            start = max(place, len(data) - len(form) + 1)
            head, at = form[:SHORTEST_BYTES], start
            while 0 <= (at := data.find(head, at)) < first:
                if form.startswith(data[at:]):
                    first = at
                at += 1
            for length in range(min(len(head) - 1, len(data) - start), len(data) - first, -1):
                if data.endswith(head[:length]):
                    first = len(data) - length
                    break
        return first


def hide(supervisor: Supervisor, values: Mapping[str, str]) -> list[str]:
    """Let no output of a supervisor's children show these values; the names of those that are too short for it."""
    hidden = Hidden()
    short = hidden.add(values)
    supervisor.hidden, supervisor.reads_all = hidden, True
    return short


def _forms(value: str) -> set[bytes]:
    """A value as it is, and as programs write it: in JSON, by repr, in an address, in base64, each of its lines."""
    forms = {
        value.encode(),
        json.dumps(value)[1:-1].encode(),
        repr(value)[1:-1].encode(),
        quote(value, safe="").encode(),
        base64.b64encode(value.encode()),
    }
    lines = value.split("\n")
    if len(lines) > 1:
        # Others write between the lines of one process
        forms |= {line.strip().encode() for line in lines}
    return {form for form in forms if len(form) >= SHORTEST_BYTES}
