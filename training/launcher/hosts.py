"""The nodes of the job: their order, and waiting until each one's name resolves."""

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from contract.variables import HOST_ADDRESSES, HOST_WAIT_SECONDS
from training.launcher import variables
from training.launcher.endings.failure import LaunchError

_POLL_SECONDS = 0.25
_WAIT_SECONDS = 900.0
"""Nodes may start minutes apart."""


def natural_order(hosts: Iterable[str]) -> tuple[str, ...]:
    """Sort names so that their numbers count: algo-2 before algo-10."""
    return tuple(sorted(hosts, key=_natural_key))


def _natural_key(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def known_addresses(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The addresses that were given instead of name resolution; usually none."""
    given = environ.get(HOST_ADDRESSES)
    if given is None:
        return {}
    try:
        return dict(json.loads(given))
    except (TypeError, ValueError) as error:
        raise LaunchError(f"{HOST_ADDRESSES} must be a JSON object, not {given!r}") from error


def wait_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """How long the other nodes may take to come."""
    return variables.seconds(environ, HOST_WAIT_SECONDS, _WAIT_SECONDS)


def wait_for_hosts(
    hosts: Sequence[str],
    *,
    limit_seconds: float,
    known: Mapping[str, str],
    pause: Callable[[float], object] = time.sleep,
    resolve: Callable[[str], str] = socket.gethostbyname,
) -> dict[str, str]:
    """Return each host's address once all names resolve; say which host never came when the limit is over.

    `pause` is how the caller waits: the launcher hands in its own, which notices SIGTERM.
    """
    if len(hosts) == 1:
        # Nobody else has to find this node, and outside SageMaker its name may resolve nowhere
        return {hosts[0]: known.get(hosts[0], "127.0.0.1")}
    addresses = dict(known)
    began = time.monotonic()
    while True:
        for host in hosts:
            if host not in addresses:
                try:
                    addresses[host] = resolve(host)
                except OSError:
                    continue
        missing = [host for host in hosts if host not in addresses]
        if not missing:
            return {host: addresses[host] for host in hosts}
        if time.monotonic() - began >= limit_seconds:
            names = ", ".join(missing)
            raise LaunchError(
                f"{names} never came: the name did not resolve within {limit_seconds:.0f} s. "
                "Check that the security group lets the nodes reach each other"
            )
        pause(_POLL_SECONDS)
