"""Who may knock at all: programs of this machine that name it by its own names, and no page of a browser.

A page can send a request to any port of the machine that shows it, and a name server can point any name at 127.0.0.1.
Neither can be told by the signature alone: a page of somebody else's may be shown by the owner's own notebook.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

_FROM_HERE = ("none", "same-origin")


def refusal(environ: Mapping[str, Any]) -> str | None:
    """Why a request is refused before anybody looks into it, or None."""
    host = str(environ.get("HTTP_HOST", ""))
    if not _is_ours(host):
        return (
            f"the embedded cloud does not answer to the host name {host!r}: "
            "use localhost, a name below it, or an address in numbers"
        )
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if "HTTP_ORIGIN" in environ or site not in _FROM_HERE:
        origin = environ.get("HTTP_ORIGIN", f"Sec-Fetch-Site: {site}")
        return (
            f"the embedded cloud does not answer pages of a browser ({origin}): "
            "type or paste the address into the browser, or use a program"
        )
    return None


def _is_ours(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    # an address cannot be pointed elsewhere by a name server
    return True
