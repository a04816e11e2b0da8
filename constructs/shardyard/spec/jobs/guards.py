"""The part of a job definition that ends a run which only wastes its instances."""

from dataclasses import dataclass
from typing import Literal

from contract import guards, variables
from shardyard.spec.jobs.compute import MOST_SECONDS
from shardyard.spec.tree import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class Guards:
    """A run that no longer learns, or no longer moves, ends before its longest run time.

    It ends with a sentence that names the rank which the others wait for, and with the stack of every Python thread of
    every rank in the log.
    """

    stop_on_nan: bool = setting(
        False,
        "End the run when it prints a loss that is nan or infinite; by a save if the program saves on SIGTERM.",
    )
    longest_silence_seconds: int = setting(
        guards.LONGEST_SILENCE_SECONDS,
        "End the run after this long without a line of any rank and without a file of a result; `0s` for never.",
        least=0,
        most=MOST_SECONDS,
        unit="seconds",
        key="longest_silence",
    )
    longest_step_seconds: int = setting(
        0,
        "End the run when the step that it prints stays the same for this long; `0s` for never.",
        least=0,
        most=MOST_SECONDS,
        unit="seconds",
        key="longest_step",
    )
    slow_rank: Literal["ignore", "warn", "stop"] = setting(
        "ignore",
        "With `torchrun`: what happens when a rank takes longer than the others for its own part of a step; `warn` "
        "says so in the log and in the status, `stop` ends the run by a save.",
    )
    slow_rank_ratio: float = setting(
        guards.SLOW_RANK_RATIO,
        f"From which multiple of the others' median on a rank is slow, over {guards.SLOW_RANK_STEPS} steps.",
        least=1.1,
        most=1000,
    )

    def environment(self) -> dict[str, str]:
        """What the launcher must be told: what is as it is by itself takes none of a job's hundred variables."""
        told = {}
        if self.stop_on_nan:
            told[variables.STOP_ON_NAN] = "1"
        if self.longest_silence_seconds != guards.LONGEST_SILENCE_SECONDS:
            told[variables.LONGEST_SILENCE] = str(self.longest_silence_seconds)
        if self.longest_step_seconds:
            told[variables.LONGEST_STEP] = str(self.longest_step_seconds)
        if self.slow_rank != "ignore":
            told[variables.SLOW_RANK] = f"{self.slow_rank}:{self.slow_rank_ratio:g}"
        return told
