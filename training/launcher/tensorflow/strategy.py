"""The strategy `tensorflow`: the tasks of a cluster, forked from a process that has TensorFlow imported."""

import functools
import os
from collections.abc import Mapping

from contract.variables import RENDEZVOUS_PORT
from training.launcher import variables
from training.launcher.endings import failure
from training.launcher.forking import host as forking
from training.launcher.forking.order import make_order
from training.launcher.inputs import Contract
from training.launcher.launch import Launch
from training.launcher.source import CODE_CHANNEL
from training.launcher.supervise import Supervisor
from training.launcher.tensorflow.forks import bears_fork
from training.launcher.tensorflow.placement import OWN_CONFIG, place

_NAME = "the tensorflow host"
_RENDEZVOUS_PORT = 29400


def forks(contract: Contract, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the tasks are to be forks; else each is a new Python."""
    return bears_fork(contract.channel_dir(CODE_CHANNEL), contract.code_dir, environ)


def start_host(supervisor: Supervisor, environ: dict[str, str], *, fork: bool) -> forking.HostProcess:
    """Start the host, which begins to import TensorFlow at once where its forks profit from that."""
    return forking.start(supervisor, _NAME, functools.partial(_main, fork=fork), environ)


def _main(order: int, report: int, environ: Mapping[str, str], *, fork: bool) -> int:
    from training.launcher.tensorflow import host

    return host.main(order, report, environ, fork=fork)


def run(supervisor: Supervisor, launch: Launch, host: forking.HostProcess, *, fork: bool) -> int:
    """Place the tasks, give the order, wait for the outcome, and return the launcher's exit code."""
    if OWN_CONFIG in launch.environ:
        failure.say("the job sets TF_CONFIG itself: every task gets that one, and the launcher makes none")
    tasks = place(launch.contract, launch.addresses, workers_per_host=launch.processes_per_node)
    port = variables.whole(os.environ, RENDEZVOUS_PORT, _RENDEZVOUS_PORT, at_least=1, at_most=65535)
    order = make_order(launch, port=port, tasks=tasks, fork=fork)
    return forking.run(supervisor, launch, host, order, functools.partial(_main, fork=fork))
