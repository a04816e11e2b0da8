"""Describes an interrupted run: which ranks saved, and which did not."""

from collections.abc import Mapping
from pathlib import Path

from contract.variables import CHECKPOINT_S3
from training.launcher.supervise import Child

NOTHING_BEGUN = "SIGTERM came before the program was started"
SENT = "what S3 lacked was sent to it"


def between_starts(why: str) -> str:
    """What an interruption is called that met no rank, because they were being started again."""
    after = f" after {why.partition(chr(10))[0]}" if why else ""
    return f"SIGTERM came while the ranks were starting again{after}"


def how_it_ended(status: int) -> str:
    """What an interrupted process did, by its exit code of 75 or 0."""
    # After SIGTERM even a 0 does not mean that the training has finished
    return "ended with 0 after SIGTERM" if status == 0 else "saved and ended"


def of_ranks(ended: Mapping[int, str], *, kind: str = "rank", all_of_them: str = "every rank") -> str:
    """The same of several ranks, or tasks of a kind, at once."""
    ranks: dict[str, list[str]] = {}
    for rank, how in sorted(ended.items()):
        ranks.setdefault(how, []).append(str(rank))
    if len(ranks) == 1:
        return f"{all_of_them} {next(iter(ranks))}"
    return "; ".join(f"{kind} {', '.join(numbers)} {how}" for how, numbers in ranks.items())


def nothing_saved(child: Child, host: str, *, stopped_late: bool, grace_seconds: float) -> str:
    """What an interruption that saved nothing is called, which is a failure.

    Whether the process was still importing or never handles the signal cannot be told from outside, and 75 promises
    that nothing is lost. How long it ran lets the reader tell.
    """
    who = f"{child.name} on {host} was interrupted (SIGTERM)"
    if stopped_late:
        return f"{who} and did not stop within {grace_seconds:.0f} s: it was killed"
    return (
        f"{who} {child.ended_at - child.started_at:.0f} s after its start and had no handler for the signal: "
        "nothing was saved after its last checkpoint"
    )


def not_in_s3(message: str, why: str) -> str:
    """What an interruption is called whose save may be lost with its instance, which is a failure."""
    return f"{message}, but its save is not known to be in S3: {why}"


def no_place(folder: Path) -> str:
    """Why a save is not known to be in S3 where the job names no place."""
    return f"{CHECKPOINT_S3} names no place for {folder}: enable the job's checkpoints"


def no_answer(uri: str) -> str:
    """Why, where S3 has not even said what it holds."""
    return f"nothing is heard from {uri}"


def too_late(why: str, grace_seconds: float) -> str:
    """The same where the time was too short."""
    return f"{why} (the grace of {grace_seconds:.0f} s is over)"
