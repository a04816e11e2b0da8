"""The last thing a node does: what must outlive it is brought to S3, and only then it says how the run ended.

SageMaker copies checkpoints while a container runs and promises no copy after its end, so a save that is only on this
disk is lost with it. The role may write where the copies go, and so may we.
"""

import os
import time

from contract.exit_codes import INTERRUPTED
from contract.variables import RUN_ID
from training.launcher.endings import failure, interruption
from training.launcher.launch import Launch
from training.launcher.supervise import Child, Supervisor
from training.saves.mirror import Mirror, Unreachable, checkpoint_folder

LEAST_SECONDS = 5.0
"""How long the way to S3 may take where the program has used up the grace: SIGKILL comes 10 s after it."""


def leave(supervisor: Supervisor, launch: Launch, code: int, message: str) -> int:
    """End this node's part of the run; returns the launcher's exit code."""
    if code == 0:
        _tell_what_is_lost(launch)
        return 0
    sent, lacks = _bring_to_s3(supervisor, launch, code)
    if code == INTERRUPTED and lacks:
        code, message = 1, interruption.not_in_s3(message, lacks)
    elif lacks:
        failure.say(f"not everything in the checkpoint folder is known to be in S3: {lacks}")
    elif code == INTERRUPTED and sent:
        message = f"{message}; {interruption.SENT}"
    return failure.conclude(launch.contract.base, code, message)


def _tell_what_is_lost(launch: Launch) -> None:
    """A program that saved beside its code would succeed without a word and leave nothing."""
    if launch.working_dir is None:
        return
    # Imported only here: most starts bring no code
    from training.launcher.endings import left_behind
    from training.launcher.source import CODE_CHANNEL

    lost = left_behind.lost_files(launch.working_dir, launch.contract.channel_dir(CODE_CHANNEL))
    if lost is not None:
        failure.say(
            f"saved beside the code and lost with this node: {lost} (in {launch.working_dir}). Kept is what is written "
            "into SM_MODEL_DIR, SM_OUTPUT_DATA_DIR, or the checkpoint folder of a job with checkpoints"
        )


def _bring_to_s3(supervisor: Supervisor, launch: Launch, code: int) -> tuple[bool, str]:
    """Send what S3 lacks, within what is left of the grace; whether that was anything, and what it lacks in the end."""
    folder = checkpoint_folder(launch.environ)
    if not any(folder.rglob("*")):
        return False, ""
    mirror = Mirror.from_environ(launch.environ)
    if mirror is None:
        if "TRAINING_JOB_NAME" not in launch.environ:
            # Outside of a training job a disk outlives its container
            return False, ""
        return False, interruption.no_place(folder)
    notes, ours = os.pipe2(os.O_CLOEXEC)
    supervisor.private.add(notes)
    child = supervisor.start("the way to S3", lambda: _carry(mirror, launch, supervisor.started_at, code, ours))
    os.close(ours)
    in_time = _wait(supervisor, child, launch.grace_seconds)
    with os.fdopen(notes) as pipe:
        said = pipe.read().splitlines()
    if child.status == 0:
        return bool(said), ""
    why = said[-1] if said else interruption.no_answer(mirror.uri)
    return bool(said), why if in_time else interruption.too_late(why, launch.grace_seconds)


def _wait(supervisor: Supervisor, child: Child, grace_seconds: float) -> bool:
    """Wait for its end as long as the instance may live; False where it had to be killed."""
    now = time.monotonic()
    told_at = now if supervisor.terminated_at is None else supervisor.terminated_at
    deadline = max(told_at + grace_seconds, now + LEAST_SECONDS)
    while child.status is None and (left := deadline - time.monotonic()) > 0:
        supervisor.step(left)
    if child.status is None:
        supervisor.stop([child], grace_seconds=0.0)
        return False
    return True


def _carry(mirror: Mirror, launch: Launch, since: float, code: int, notes: int) -> int:
    """Runs in a process of its own, which can be killed whatever it waits for; 0 when S3 lacks nothing."""
    from training.saves import carry

    def note(text: str) -> None:
        os.write(notes, f"{text}\n".encode())

    run_id = launch.environ.get(RUN_ID, launch.environ.get("TRAINING_JOB_NAME", "local"))
    try:
        if code == INTERRUPTED:
            carry.carry(mirror, run_id, since=since, note=note)
        else:
            carry.carry_what_there_is(mirror, since=since, note=note)
    except Unreachable as error:
        note(str(error))
        return 1
    return 0
