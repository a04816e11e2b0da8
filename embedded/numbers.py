"""Numbers as people write them for a cloud that runs."""

import math

from embedded.operations import ServiceError


def amount(name: str, value: object) -> float:
    """A number from 0 on; whatever else is refused by its name."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ServiceError("ValidationException", f"{name}: {str(value)[:80]!r} is not a number") from None
    if not math.isfinite(number):
        raise ServiceError("ValidationException", f"{name}: {number} is not a finite number")
    if number < 0:
        raise ServiceError("ValidationException", f"{name}: {str(value)[:80]} is negative")
    return number
