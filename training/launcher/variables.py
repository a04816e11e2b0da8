"""Numbers among the variables that the launcher reads."""

from collections.abc import Mapping

from training.launcher.endings.failure import LaunchError


def seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """A time in seconds, fractions allowed."""
    given = environ.get(name)
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    # Neither a negative number nor "nan" is a time
    if not 0 <= value < float("inf"):
        raise LaunchError(f"{name} must be a number of seconds, not {given!r}")
    return value


def whole(environ: Mapping[str, str], name: str, default: int, *, at_least: int = 0, at_most: int | None = None) -> int:
    """A whole number within limits."""
    given = environ.get(name)
    if given is None:
        return default
    value = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1
    if value < at_least or (at_most is not None and value > at_most):
        allowed = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise LaunchError(f"{name} must be a whole number {allowed}, not {given!r}")
    return value
