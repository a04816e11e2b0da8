"""Who answers for something: what the tag `owner` may hold, and what an owner may spend in a month."""

from collections.abc import Mapping

OWNER = r"[\w .:/=+@-]{1,128}"
OWNER_SAYS = "up to 128 letters, digits, blanks and .:/=+@-"
EVERY_OTHER = "*"
"""Every owner that is not named."""


def cap_of(caps: Mapping[str, float], owner: str) -> float | None:
    """The monthly cap of an owner, in USD; None for one without."""
    return caps.get(owner, caps.get(EVERY_OTHER))
