"""What a shell may have when a cloud starts in it, and what of it the process gets. Standard library only."""

import re
from collections.abc import Mapping

from embedded.process.errors import CloudError

DEFAULT_ACCESS_KEY = "test"

CREDENTIAL_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def refuse_real_credentials(environment: Mapping[str, str], endpoint: str | None = None) -> None:
    """Raise if this shell holds something that could reach a real account beside the exports.

    Without an endpoint, the loopback's are those of an embedded cloud.
    """
    found = [name for name in CREDENTIAL_VARIABLES if environment.get(name)]
    key = environment.get("AWS_ACCESS_KEY_ID", DEFAULT_ACCESS_KEY)
    if key != DEFAULT_ACCESS_KEY and not re.fullmatch(r"\d{12}", key):
        found += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    found += [
        name
        for name, value in sorted(environment.items())
        if name.startswith("AWS_ENDPOINT_URL_") and value and not _is_ours(value, endpoint)
    ]
    if found:
        raise CloudError(
            f"this shell could reach a real AWS account through {', '.join(found)}; "
            f"run `unset {' '.join(found)}` first, or use another shell"
        )


def _is_ours(url: str, endpoint: str | None) -> bool:
    if endpoint is not None:
        return url == endpoint
    return re.match(r"https?://(localhost|127\.0\.0\.1)(:|/|$)", url) is not None


_PASSED_ON = re.compile(
    "ALL_PROXY|CURL_CA_BUNDLE|HOME|HTTP_PROXY|HTTPS_PROXY|LANG|LOGNAME|NO_PROXY|PATH|SHELL|TMPDIR|TZ|USER|VIRTUAL_ENV"
    "|(CUDA|DYLD|LC|LD|MOTO|NVIDIA|OMP|PIP|REQUESTS|SSL|XDG|YARD)_.*|PYTHON.*",
    re.IGNORECASE,
)


_OWN = {"MALLOC_ARENA_MAX": "2"}
"""Each request has a thread, and glibc gives threads heaps of their own that it never joins: two keep memory small."""


def of_process(environment: Mapping[str, str]) -> dict[str, str]:
    """What the process is started with: of a shell only what it needs, for functions and jobs can read it."""
    return {name: value for name, value in environment.items() if _PASSED_ON.fullmatch(name)} | _OWN
