"""A processing job: its code, its packages, its secrets, then one program on each node, and what it has to say."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from contract import secrets
from contract.paths import base_folder
from contract.variables import STOP_GRACE_SECONDS
from training.launcher import sm_variables, source, variables
from training.launcher.endings import failure
from training.launcher.guards import idle_gpus
from training.launcher.hosts import natural_order
from training.launcher.inputs import read_json
from training.launcher.launch import GRACE_SECONDS
from training.launcher.package import PACKAGE_ROOT
from training.launcher.plain import wait_passing_stop
from training.launcher.program import Program, resolve
from training.launcher.supervise import Child, Supervisor, execute

_NAME = "the program"
_MESSAGE_BYTES = 1024
"""SageMaker copies this much of the message into the job's ExitMessage."""


class Stopped(Exception):
    """SageMaker stopped the job before the program was started."""


def main(supervisor: Supervisor, arguments: Sequence[str]) -> int:
    """Run the program that the container's arguments name, and return the exit code."""
    base = base_folder()
    try:
        if not arguments:
            raise failure.LaunchError("name the program after `process`: a module or a script, then its arguments")
        return _run(supervisor, base, arguments[0], tuple(arguments[1:]))
    except failure.LaunchError as error:
        return _conclude(base, error.code, str(error))
    except Stopped:
        return _conclude(base, 1, "stopped before the program was started")
    except Exception:
        # A disk that filled up while the code was unpacked, or a bug: the exit message must say so.
        import traceback

        from training.launcher.endings import reasons

        return _conclude(base, 1, reasons.describe_own(traceback.format_exc(), base=base))
    finally:
        supervisor.kill_groups(supervisor.children.values())


def _run(supervisor: Supervisor, base: Path, entry: str, arguments: tuple[str, ...]) -> int:
    if sm_variables.count_gpus() == 0:
        idle_gpus.refuse(_instance_types(base))
    supervisor.reads_all = bool(secrets.carried_by(os.environ))
    code_dir = base / "code"
    unpacked = source.unpack_source(base / "processing" / "input" / source.CODE_CHANNEL, code_dir)
    if unpacked is not None and (unpacked / "requirements.txt").is_file():
        # Imported only here: most starts bring no packages
        from training.launcher import requirements

        requirements.install(supervisor, unpacked, pause=lambda seconds: _pause(supervisor, seconds))
    kind, target = resolve(entry, code_dir)
    values: dict[str, str] = {}
    if supervisor.reads_all:
        # Imported only here: most jobs have no secrets
        from training.launcher.secrets.fetch import fetch

        values = fetch(supervisor, pause=lambda seconds: _pause(supervisor, seconds))
    environ = {**os.environ, **_described(base, code_dir), **values}
    program = Program(kind=kind, target=target, arguments=arguments)
    killed_before = failure.killed_for_memory()
    if supervisor.terminated:
        raise Stopped
    child = supervisor.start(_NAME, execute(program.command(), environ, working_dir=unpacked))
    grace = variables.seconds(os.environ, STOP_GRACE_SECONDS, GRACE_SECONDS)
    killed = wait_passing_stop(supervisor, child, grace)
    return _ended(supervisor, base, child, killed=killed, killed_before=killed_before)


def _instance_types(base: Path) -> Sequence[str]:
    """The type of the job's instances, or those that it may have got; none where nothing tells."""
    resources = read_json(base / "config" / "processingjobconfig.json").get("ProcessingResources")
    cluster = resources.get("ClusterConfig") if isinstance(resources, dict) else None
    if not isinstance(cluster, dict):
        return ()
    known = cluster.get("SelectedInstanceType") or cluster.get("InstanceType")
    preferences = cluster.get("InstancePreferences")
    listed = preferences if known is None and isinstance(preferences, list) else [{"InstanceType": known}]
    return [str(one.get("InstanceType")) for one in listed if isinstance(one, dict)]


def _pause(supervisor: Supervisor, seconds: float) -> None:
    supervisor.step(seconds)
    if supervisor.terminated:
        raise Stopped


def _described(base: Path, code_dir: Path) -> dict[str, str]:
    """What every program is told; the whole of it lies in /opt/ml/config."""
    resource = read_json(base / "config" / "resourceconfig.json")
    hosts = natural_order([str(host) for host in resource.get("hosts", ["algo-1"])])
    current = str(resource.get("current_host", hosts[0]))
    if current not in hosts:
        raise failure.LaunchError(
            f"resourceconfig.json names {current!r} as this host, but the hosts are {', '.join(hosts)}"
        )
    path = [str(code_dir), PACKAGE_ROOT, os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(part for part in path if part),
        "PYTHONUNBUFFERED": "1",
        "SM_CURRENT_HOST": current,
        "SM_HOST_COUNT": str(len(hosts)),
        "SM_CURRENT_HOST_RANK": str(hosts.index(current)),
    }


def _ended(supervisor: Supervisor, base: Path, child: Child, *, killed: bool, killed_before: int) -> int:
    status = child.status if child.status is not None else 1
    if status == 0:
        return 0
    if supervisor.terminated and (killed or status == -signal.SIGTERM):
        return _conclude(base, 1, "stopped" if not killed else "stopped, and the program did not end by itself")
    # Imported only here: a start that ends well need not pay for it
    from training.launcher.endings import reasons

    ended = failure.Failure(
        name=child.name,
        host=_host(base),
        exit_status=status,
        tail=child.tail.decode(errors="replace"),
        out_of_memory=failure.killed_for_memory() > killed_before,
    )
    return _conclude(base, failure.code_of(status), reasons.describe(ended, base=base))


def _host(base: Path) -> str:
    return str(read_json(base / "config" / "resourceconfig.json").get("current_host", "algo-1"))


def _conclude(base: Path, code: int, message: str) -> int:
    """Leave the sentence where SageMaker reads a job's exit message, unless the program has left its own."""
    failure.say(message)
    path = base / "output" / "message"
    try:
        if not path.is_file() or not path.stat().st_size:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(failure.cut(message, _MESSAGE_BYTES).encode())
    except OSError as error:
        # A full disk is one of the things that it tells, and then it cannot be written
        failure.say(f"{path} could not be written: {error}")
    return code
