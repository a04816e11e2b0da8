"""Times as Step Functions writes them into data."""

import datetime


def timestamp(moment: datetime.datetime) -> str:
    """UTC with milliseconds: `2026-11-29T22:00:00.123Z`."""
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
