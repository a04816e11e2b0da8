"""Start the user's program as the job asks for, and never lose its end."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contract import secrets
from contract.exit_codes import INTERRUPTED
from contract.images import VERSIONS_LINE
from contract.paths import CHECKPOINT_FOLDER, base_folder, local_path
from contract.saves import FILES_AT_START_LINE
from contract.variables import (
    CHECKPOINT_DIR,
    CHECKPOINT_S3,
    LAUNCHER,
    PROCESSES_PER_NODE,
    SLOW_RANK,
    STOP_GRACE_SECONDS,
)
from training.launcher import hosts, network, sm_variables, source, variables
from training.launcher.endings import failure
from training.launcher.guards import idle_gpus
from training.launcher.inputs import Contract, read_contract
from training.launcher.launch import GRACE_SECONDS, Launch
from training.launcher.package import PACKAGE_ROOT, versions_of_frameworks
from training.launcher.program import read_program
from training.launcher.supervise import Supervisor

STRATEGIES = ("plain", "torchrun", "mpirun", "tensorflow")


def main(arguments: list[str]) -> int:
    """Run the job on this node and return its exit code: 0, 1, 75 after an interruption, 78 after a refusal."""
    supervisor = Supervisor()
    if arguments[:1] == ["process"]:
        # Imported only here: a training job need not pay for it
        from training.launcher.processing import run

        return run.main(supervisor, arguments[1:])
    base = base_folder()
    try:
        if arguments not in ([], ["train"]):
            raise failure.LaunchError(f"unknown arguments {' '.join(arguments)!r}; known: train, process")
        return _run(supervisor, read_contract())
    except failure.LaunchError as error:
        failure.write(base, str(error))
        return error.code
    except Interrupted:
        from training.launcher.endings.interruption import NOTHING_BEGUN

        return failure.conclude(base, INTERRUPTED, NOTHING_BEGUN)
    except Exception:
        # A disk that filled up while the code was unpacked, or a bug: the failure file must say so.
        # Imported only here: a start that fails nowhere need not pay for it
        import traceback

        from training.launcher.endings import reasons

        failure.write(base, reasons.describe_own(traceback.format_exc(), base=base))
        return 1
    finally:
        supervisor.kill_groups(supervisor.children.values())


class Interrupted(Exception):
    """SIGTERM came before the program was started: there is nothing to save."""


def _run(supervisor: Supervisor, contract: Contract) -> int:
    strategy = os.environ.get(LAUNCHER, "plain")
    if strategy not in STRATEGIES:
        raise failure.LaunchError(f"{LAUNCHER} is {strategy!r}; known: {', '.join(STRATEGIES)}")
    if SLOW_RANK in os.environ:
        # Imported only here: most jobs do not compare their ranks
        from training.launcher.guards import slow

        slow.refuse_unfit(strategy)
    gpus, cpus = sm_variables.count_gpus(), sm_variables.count_cpus()
    if gpus == 0:
        idle_gpus.refuse([contract.instance_type])
    processes = processes_per_node(strategy, max(gpus, sm_variables.count_neuron_cores(contract.instance_type)))
    _say_what_survived(os.environ)
    base_environ = _base_environ(contract, processes=processes, cpus=cpus)
    # Before anything is started whose standard output would pass by
    supervisor.reads_all = bool(secrets.carried_by(os.environ))
    # Each strategy is imported where it is used: a plain start pays for no other
    if strategy == "torchrun":
        from training.launcher.torchrun import strategy as torchrun

        # Importing torch takes a second: it begins now, while the other nodes' names and the code are awaited
        host = torchrun.start_host(supervisor, base_environ)
    elif strategy == "tensorflow":
        from training.launcher.tensorflow import strategy as tensorflow

        fork = tensorflow.forks(contract)
        host = tensorflow.start_host(supervisor, base_environ, fork=fork)
    launch = _prepare(supervisor, contract, base_environ, processes=processes, gpus=gpus, cpus=cpus)
    if supervisor.terminated:
        raise Interrupted
    if contract.current_host == contract.hosts[0]:
        print(f"{VERSIONS_LINE}{versions_of_frameworks()}", file=sys.stderr, flush=True)
    if strategy == "torchrun":
        return torchrun.run(supervisor, launch, host)
    if strategy == "tensorflow":
        return tensorflow.run(supervisor, launch, host, fork=fork)
    if strategy == "mpirun":
        from training.launcher.mpirun import strategy as mpirun

        return mpirun.run(supervisor, launch)
    from training.launcher import plain

    return plain.run(supervisor, launch)


def _say_what_survived(environ: Mapping[str, str]) -> None:
    """A new container knows nothing of an interruption before it; whoever does reads here what it found."""
    if CHECKPOINT_S3 in environ:
        folder = local_path(environ.get(CHECKPOINT_DIR, CHECKPOINT_FOLDER), environ)
        count = sum(len(files) for _, _, files in os.walk(folder))
        print(f"{FILES_AT_START_LINE}{count}", file=sys.stderr, flush=True)


def processes_per_node(strategy: str, accelerators: int, environ: Mapping[str, str] = os.environ) -> int:
    """`plain` runs one. Otherwise the job's own number, else one per GPU or Neuron core, else one.

    A worker of TensorFlow's uses all GPUs of its node by itself.
    """
    if strategy == "plain":
        return 1
    own = 1 if strategy == "tensorflow" else max(accelerators, 1)
    return variables.whole(environ, PROCESSES_PER_NODE, own, at_least=1)


def _base_environ(contract: Contract, *, processes: int, cpus: int) -> dict[str, str]:
    """What is known before anything is awaited. Threads: all processors divided by the processes, unless set."""
    path = [str(contract.code_dir), PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")]
    return {
        "OMP_NUM_THREADS": str(max(cpus // processes, 1)),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in path if part),
        "PYTHONUNBUFFERED": "1",
    }


def _fetch_submitted(uri: str, contract: Contract) -> Path:
    # Imported only here: the official SDK's tuner sends code so, and nobody else
    from training import submitted

    try:
        return submitted.fetch(uri, contract.code_dir)
    except submitted.Unusable as error:
        raise failure.LaunchError(str(error)) from error


def _prepare(
    supervisor: Supervisor, contract: Contract, base_environ: dict[str, str], *, processes: int, gpus: int, cpus: int
) -> Launch:
    host_wait_seconds = hosts.wait_seconds()
    addresses = hosts.wait_for_hosts(
        contract.hosts,
        limit_seconds=host_wait_seconds,
        known=hosts.known_addresses(),
        pause=lambda seconds: _pause(supervisor, seconds),
    )
    unpacked = source.unpack_source(contract.channel_dir(source.CODE_CHANNEL), contract.code_dir)
    submitted = str(contract.framework_parameters.get("sagemaker_submit_directory", ""))
    if unpacked is None and submitted.startswith("s3://"):
        unpacked = _fetch_submitted(submitted, contract)
    if unpacked is not None and (unpacked / "requirements.txt").is_file():
        # Imported only here: most starts bring no packages
        from contract.requirements import WHEELS_CHANNEL
        from training.launcher import requirements

        wheels = contract.channel_dir(WHEELS_CHANNEL)
        requirements.install(supervisor, unpacked, wheels=wheels, pause=lambda seconds: _pause(supervisor, seconds))
    program = read_program(contract)
    values: dict[str, str] = {}
    if supervisor.reads_all:
        # Imported only here: most jobs have no secrets
        from training.launcher.secrets.fetch import fetch

        values = fetch(supervisor, pause=lambda seconds: _pause(supervisor, seconds))
    interface = network.pick_interface(
        contract.resource.get("network_interface_name"),
        addresses[contract.current_host],
        network.interface_addresses(),
    )
    table = network.efa_table() if len(contract.hosts) > 1 else {}
    settings = network.network_variables(contract.instance_type, interface, contract.hosts, table)
    described = sm_variables.sm_variables(contract, program, interface=interface, gpus=gpus, cpus=cpus)
    return Launch(
        contract=contract,
        program=program,
        environ={**settings, **base_environ, **described, **values},
        working_dir=unpacked,
        addresses=addresses,
        processes_per_node=processes,
        host_wait_seconds=host_wait_seconds,
        grace_seconds=variables.seconds(os.environ, STOP_GRACE_SECONDS, GRACE_SECONDS),
    )


def _pause(supervisor: Supervisor, seconds: float) -> None:
    supervisor.step(seconds)
    if supervisor.terminated:
        raise Interrupted
