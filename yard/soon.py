"""What an account answers soon: the check of files works offline, and waits for nobody."""

import os
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from yard.errors import explain

T = TypeVar("T")

_LONGEST_SECONDS = 3.0
_LOOPBACK_SECONDS = 20.0
"""An embedded cloud that is not there refuses at once; one that is busy may be waited for."""
_NAME_AN_ACCOUNT = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def asked_soon(look: Callable[[], list[T]]) -> list[T]:
    """What `look` finds in time; nothing of an account that does not answer, or refuses.

    Only an account that the shell itself names is asked.
    """
    if not any(os.environ.get(name) for name in _NAME_AN_ACCOUNT):
        return []
    found: list[T] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(look())
        except Exception as error:
            failed.append(error)

    # no timeout of a client bounds them all: a sign-in or a name server may hang before any
    looking = threading.Thread(target=ask, daemon=True)
    looking.start()
    looking.join(_LOOPBACK_SECONDS if _is_loopback() else _LONGEST_SECONDS)
    for error in failed:
        if explain(error) is None:
            raise error
    return list(found)


def _is_loopback() -> bool:
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in ("localhost", "127.0.0.1")
