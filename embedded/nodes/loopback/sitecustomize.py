"""On a machine without namespaces, lets Python programs resolve the nodes' names, as /etc/hosts would."""

import json
import os
import socket
from typing import Any

_addresses: dict[str, str] = json.loads(os.environ.get("SHARDYARD_HOST_ADDRESSES", "{}"))
_getaddrinfo, _gethostbyname = socket.getaddrinfo, socket.gethostbyname


def _look_up(host: Any) -> Any:
    return _addresses.get(host, host) if isinstance(host, str) else host


def getaddrinfo(host: Any, *arguments: Any, **keywords: Any) -> Any:
    """As socket.getaddrinfo, with the job's hosts known."""
    return _getaddrinfo(_look_up(host), *arguments, **keywords)


def gethostbyname(host: str) -> str:
    """As socket.gethostbyname, with the job's hosts known."""
    return _gethostbyname(_look_up(host))


if _addresses:
    socket.getaddrinfo, socket.gethostbyname = getaddrinfo, gethostbyname
    _here = os.environ.get("HOSTNAME", "")
    if _here in _addresses:
        socket.gethostname = lambda: _here
