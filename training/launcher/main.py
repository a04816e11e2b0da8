"""Start the user's program as the job asks for, and never lose its end."""

import os
from collections.abc import Mapping

from contract import secrets
from contract.exit_codes import INTERRUPTED
from contract.paths import base_folder
from contract.variables import LAUNCHER, PROCESSES_PER_NODE, STOP_GRACE_SECONDS, WITHOUT_GPUS
from training.launcher import hosts, network, sm_variables, source, variables
from training.launcher.endings import failure
from training.launcher.inputs import Contract, read_contract
from training.launcher.launch import GRACE_SECONDS, Launch
from training.launcher.package import PACKAGE_ROOT
from training.launcher.program import read_program
from training.launcher.supervise import Supervisor

STRATEGIES = ("plain", "torchrun", "mpirun")


def main(arguments: list[str]) -> int:
    """Run the job on this node and return its exit code: 0, 1, 75 after an interruption, 78 after a refusal."""
    supervisor = Supervisor()
    base = base_folder()
    try:
        if arguments not in ([], ["train"]):
            raise failure.LaunchError(f"unknown arguments {' '.join(arguments)!r}; known: train")
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
    gpus, cpus = sm_variables.count_gpus(), sm_variables.count_cpus()
    if gpus == 0 and os.environ.get(WITHOUT_GPUS) != "1":
        _refuse_idle_gpus(contract.instance_type)
    processes = processes_per_node(strategy, max(gpus, sm_variables.count_neuron_cores(contract.instance_type)))
    base_environ = _base_environ(contract, processes=processes, cpus=cpus)
    # Before anything is started whose standard output would pass by
    supervisor.reads_all = bool(secrets.carried_by(os.environ))
    # Each strategy is imported where it is used: a plain start pays for no other
    if strategy == "torchrun":
        from training.launcher.torchrun import strategy as torchrun

        # Importing torch takes a second: it begins now, while the other nodes' names and the code are awaited
        host = torchrun.start_host(supervisor, base_environ)
    launch = _prepare(supervisor, contract, base_environ, processes=processes, gpus=gpus, cpus=cpus)
    if supervisor.terminated:
        raise Interrupted
    if strategy == "torchrun":
        return torchrun.run(supervisor, launch, host)
    if strategy == "mpirun":
        from training.launcher.mpirun import strategy as mpirun

        return mpirun.run(supervisor, launch)
    from training.launcher import plain

    return plain.run(supervisor, launch)


def _refuse_idle_gpus(instance_type: str) -> None:
    """Without this, one rank a node would train on the processor, and the GPUs would bill."""
    has = network.gpus(instance_type)
    if has:
        raise failure.LaunchRefused(
            f"{instance_type} has {has} GPU{'s' if has > 1 else ''}, and this container sees none: its image must set "
            "NVIDIA_VISIBLE_DEVICES=all and NVIDIA_DRIVER_CAPABILITIES=compute,utility, or come from one that does; "
            "or take an instance type without GPUs"
        )


def processes_per_node(strategy: str, accelerators: int, environ: Mapping[str, str] = os.environ) -> int:
    """`plain` runs one. Otherwise the job's own number, else one per GPU or Neuron core, else one."""
    if strategy == "plain":
        return 1
    return variables.whole(environ, PROCESSES_PER_NODE, max(accelerators, 1), at_least=1)


def _base_environ(contract: Contract, *, processes: int, cpus: int) -> dict[str, str]:
    """What is known before anything is awaited. Threads: all processors divided by the processes, unless set."""
    path = [str(contract.code_dir), PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")]
    return {
        "OMP_NUM_THREADS": str(max(cpus // processes, 1)),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in path if part),
        "PYTHONUNBUFFERED": "1",
    }


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
    if unpacked is not None and (unpacked / "requirements.txt").is_file():
        # Imported only here: most starts bring no packages
        from training.launcher import requirements

        requirements.install(supervisor, unpacked, pause=lambda seconds: _pause(supervisor, seconds))
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
