"""The strategy `torchrun`: torch's elastic agent with ranks that are forked from a process that has torch imported."""

import os
from collections.abc import Mapping

from contract.variables import RENDEZVOUS_PORT
from training.launcher import variables
from training.launcher.forking import host as forking
from training.launcher.forking.order import Order, make_order
from training.launcher.launch import Launch
from training.launcher.supervise import Supervisor

_NAME = "the torchrun host"
_RENDEZVOUS_PORT = 29400


def start_host(supervisor: Supervisor, environ: dict[str, str]) -> forking.HostProcess:
    """Start the host, which begins to import torch at once and waits for its order."""
    return forking.start(supervisor, _NAME, _main, environ)


def _main(order: int, report: int, environ: Mapping[str, str]) -> int:
    from training.launcher.torchrun import host

    return host.main(order, report, environ)


def run(supervisor: Supervisor, launch: Launch, host: forking.HostProcess) -> int:
    """Give the order, wait for the outcome, and return the launcher's exit code."""
    return forking.run(supervisor, launch, host, _order(launch), _main)


def _order(launch: Launch) -> Order:
    port = variables.whole(os.environ, RENDEZVOUS_PORT, _RENDEZVOUS_PORT, at_least=1, at_most=65535)
    return make_order(launch, port=port)
