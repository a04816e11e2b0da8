"""What every strategy is given: the contract, the program, and how to run it here."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from training.launcher.inputs import Contract
from training.launcher.program import Program

GRACE_SECONDS = 110.0
"""SageMaker sends SIGKILL 120 s after SIGTERM: the rest is for the failure file."""


class Launch(NamedTuple):
    """One node's part of the run."""

    contract: Contract
    program: Program
    environ: dict[str, str]
    """The whole environment of the program."""

    working_dir: Path | None
    """Where the program starts: its unpacked code, or where the image says when no code came."""

    addresses: Mapping[str, str]
    """Each host's address."""

    processes_per_node: int
    host_wait_seconds: float
    """How long the other nodes may take to come."""

    grace_seconds: float
