"""Numbers on their way out: one line on standard output that the metric definitions match, TensorBoard, MLflow."""

import os
import sys
from types import TracebackType
from typing import Protocol

from contract.exit_codes import INTERRUPTED
from contract.variables import TENSORBOARD_DIR
from training import paths
from training.reporting.event_file import EventFile
from training.reporting.mlflow_run import start_mlflow


def format_line(values: dict[str, float]) -> str:
    """`metric step=120 loss=2.31 ...`. A value may be nan or infinite: CloudWatch takes neither, people must know."""
    return " ".join(["metric", *(f"{name}={_number(value)}" for name, value in values.items())])


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _is_finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


class Member(Protocol):
    """One process of a run."""

    @property
    def is_first(self) -> bool:
        """Whether it is the one that reports."""


class Metrics:
    """Where the first rank's numbers go. The other ranks' calls do nothing."""

    def __init__(self, member: Member) -> None:
        self._active = member.is_first
        folder = paths.tensorboard_folder()
        wanted = self._active and (TENSORBOARD_DIR in os.environ or folder.parent.is_dir())
        self._events = EventFile(folder) if wanted else None
        self._mlflow = start_mlflow() if self._active else None

    def __enter__(self) -> "Metrics":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events is not None:
            self._events.close()
        if self._mlflow is not None:
            saved = isinstance(error, SystemExit) and error.code == INTERRUPTED
            self._mlflow.end("FINISHED" if kind is None else "KILLED" if saved else "FAILED")

    def log(self, step: int, **values: float) -> None:
        """Report the numbers of one step."""
        if not self._active:
            return
        print(format_line({"step": step, **values}), flush=True)
        for name, value in values.items():
            if not _is_finite(value):
                print(f"warning: {name} of step {step} is {value}", file=sys.stderr, flush=True)
        plain = {name: float(value) for name, value in values.items()}
        if self._events is not None:
            self._events.add(step, plain)
        if self._mlflow is not None:
            self._mlflow.log(step, plain)
