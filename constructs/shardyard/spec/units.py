"""Durations, sizes and counts as people write them: "90s", "4h", "1h30m", "200GB", "1.5TB", "7B"."""

import math
import re

from shardyard.spec.errors import said

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_GIGABYTES = {"GB": 1, "GIB": 1, "TB": 1024, "TIB": 1024}
_THOUSANDS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
# More digits than these are a typo.
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]+)?)\s*([smhd])")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]+)?)\s*(GiB|GB|TiB|TB)", re.IGNORECASE)
_COUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]+)?(?:e[0-9]{1,2})?)\s*([KMBT]?)", re.IGNORECASE)


def parse_duration(text: str) -> int:
    """Turn "1h30m" into 5400 seconds."""
    compact = text.replace(" ", "")
    parts = _DURATION.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f'{said(text)} is not a duration; write "90s", "20m", "4h", "1h30m" or "2d"')
    return round(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def parse_size_gb(text: str) -> int:
    """Turn "1.5TB" into 1536 gigabytes, SageMaker's unit for volumes."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{said(text)} is not a size; write "50GB" or "2TB"')
    return round(float(match[1]) * _GIGABYTES[match[2].upper()])


def parse_count(text: str) -> float:
    """Turn "7B" or "7e9" into 7000000000.0."""
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{said(text)} is not a count; write "7e9", "7B" or "350M"')
    return float(match[1]) * _THOUSANDS[match[2].upper()]


def format_duration(seconds: float) -> str:
    """Turn 5400 into "1h30m"; fractions of a second are dropped."""
    if not math.isfinite(seconds):
        return str(seconds)
    if seconds <= -1:
        return f"-{format_duration(-seconds)}"
    left = int(seconds)
    parts = []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _SECONDS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
