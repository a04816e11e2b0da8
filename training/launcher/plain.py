"""The strategy `plain`: one process on each node, each a rank of one group where there are several nodes."""

import signal
import time
from pathlib import Path

from contract.exit_codes import GUARDED, INTERRUPTED
from training.launcher import leaving
from training.launcher.endings import failure
from training.launcher.guards.watch import DUMPS_STACKS, Limits, Watch
from training.launcher.launch import Launch
from training.launcher.sm_variables import MASTER_PORT
from training.launcher.supervise import Child, Supervisor, execute

_NAME = "the program"


def run(supervisor: Supervisor, launch: Launch) -> int:
    """Run the program to its end and return the launcher's exit code."""
    environ = {**DUMPS_STACKS, **launch.environ, **group_variables(launch)}
    base, host = launch.contract.base, launch.contract.current_host
    # Of several nodes one may be silent while another speaks: the watchdog of the account hears them all
    watch = listen(supervisor, Limits.from_environ(), base, alone=len(launch.contract.hosts) == 1)
    child = supervisor.start(_NAME, execute(launch.program.command(), environ, working_dir=launch.working_dir))
    code, message = wait_for_end(supervisor, child, host=host, base=base, grace=launch.grace_seconds, watch=watch)
    if code == INTERRUPTED:
        message = f"{_NAME} {message}"
    return leaving.leave(supervisor, launch, code, message)


def group_variables(launch: Launch) -> dict[str, str]:
    """What makes the nodes' processes one group; none for a single node, whose process is no rank of anything.

    Without them several nodes would train N models side by side, and save them under the same names.
    """
    hosts, rank = launch.contract.hosts, str(launch.contract.host_rank)
    if len(hosts) == 1:
        return {}
    return {
        "RANK": rank,
        "WORLD_SIZE": str(len(hosts)),
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
        "GROUP_RANK": rank,
        "MASTER_ADDR": launch.addresses[hosts[0]],
        "MASTER_PORT": str(MASTER_PORT),
    }


def listen(supervisor: Supervisor, limits: Limits, base: Path, *, alone: bool) -> Watch:
    """Listen to what the only child of a supervisor prints, for the job's guards."""
    watch = Watch(limits.heard(supervisor) if alone else limits._replace(silence=0.0, step=0.0), base)
    supervisor.listener = watch.listen
    return watch


def wait_for_end(
    supervisor: Supervisor, child: Child, *, host: str, base: Path, grace: float, watch: Watch
) -> tuple[int, str]:
    """Wait for a program that has just been started; the launcher's exit code, and what to say if it is not 0."""
    killed_before = failure.killed_for_memory()
    overdue = _wait_within(supervisor, child, watch)
    if overdue:
        # Imported only here: a run that ends by itself need not pay for it
        from training.launcher.guards import stacks

        places = stacks.where_they_are(supervisor, [child], forked=False)
        supervisor.stop([child], grace_seconds=0.0)
        return GUARDED, f"{overdue}: {stacks.describe(places, {child.name: host})}"
    stopped_late = wait_passing_stop(supervisor, child, grace)
    code, message = _how_it_ended(supervisor, child, host, base, grace, killed_before, stopped_late)
    return (GUARDED, f"{watch.not_finite}: {message}") if watch.not_finite and code else (code, message)


def _wait_within(supervisor: Supervisor, child: Child, watch: Watch) -> str:
    """Wait for the end of the child, a signal, or a guard; why it is overdue, if it is."""
    overdue = ""
    while child.status is None and not supervisor.terminated and not overdue:
        supervisor.step(watch.limits.look_seconds)
        if watch.not_finite:
            supervisor.note_termination()
        overdue = watch.overdue(watch.ages()) if child.status is None else ""
    return overdue


def _how_it_ended(
    supervisor: Supervisor,
    child: Child,
    host: str,
    base: Path,
    grace: float,
    killed_before: int,
    stopped_late: bool,
) -> tuple[int, str]:
    status = child.status if child.status is not None else 1
    if status == 0 and not supervisor.terminated:
        return 0, ""
    # Imported only here: a start that ends well need not pay for it
    from training.launcher.endings import interruption, reasons

    if status in (0, INTERRUPTED):
        return INTERRUPTED, interruption.how_it_ended(status)
    if supervisor.terminated and (stopped_late or status == -signal.SIGTERM):
        return 1, interruption.nothing_saved(child, host, stopped_late=stopped_late, grace_seconds=grace)
    ended = failure.Failure(
        name=child.name,
        host=host,
        exit_status=status,
        tail=child.tail.decode(errors="replace"),
        out_of_memory=failure.killed_for_memory() > killed_before,
    )
    return failure.code_of(status), reasons.describe(ended, base=base)


def wait_passing_stop(supervisor: Supervisor, child: Child, grace_seconds: float) -> bool:
    """Wait for the end of the child, pass SIGTERM on once; True when it had to be killed."""
    deadline: float | None = None
    while child.status is None:
        if supervisor.terminated and deadline is None:
            supervisor.signal([child], signal.SIGTERM)
            deadline = time.monotonic() + grace_seconds
        elif deadline is not None and time.monotonic() >= deadline:
            supervisor.stop([child], grace_seconds=0.0)
            return True
        supervisor.step(60.0 if deadline is None else max(deadline - time.monotonic(), 0.01))
    supervisor.kill_groups([child])
    return False
