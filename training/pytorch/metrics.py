"""Numbers on their way out: one line on standard output that the metric definitions match, TensorBoard, MLflow."""

import importlib
import importlib.util
import os
import resource
import sys
from types import TracebackType
from typing import Any

import torch

from training.pytorch import paths
from training.pytorch.event_file import EventFile
from training.pytorch.process_group import Ranks


def format_line(values: dict[str, float]) -> str:
    """`metric step=120 loss=2.31 ...`: every value in a form that `[0-9.eE+-]+` matches; others are left out."""
    return " ".join(["metric", *(f"{name}={_number(value)}" for name, value in values.items() if _is_finite(value))])


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _is_finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


class Metrics:
    """Where the first rank's numbers go. The other ranks' calls do nothing."""

    def __init__(self, ranks: Ranks) -> None:
        self._active = ranks.is_first
        folder = paths.tensorboard_folder()
        wanted = self._active and ("SHARDYARD_TENSORBOARD_DIR" in os.environ or folder.parent.is_dir())
        self._events = EventFile(folder) if wanted else None
        self._mlflow = _start_mlflow() if self._active else None

    def __enter__(self) -> "Metrics":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events is not None:
            self._events.close()
        if self._mlflow is not None:
            self._mlflow.end_run("FINISHED" if kind is None else "FAILED")

    def log(self, step: int, **values: float) -> None:
        """Report the numbers of one step."""
        if not self._active:
            return
        print(format_line({"step": step, **values}), flush=True)
        plain = {name: float(value) for name, value in values.items()}
        if self._events is not None:
            self._events.add(step, plain)
        if self._mlflow is not None:
            self._mlflow.log_metrics(plain, step=step)


def _start_mlflow() -> Any:
    """MLflow, where a tracking server is configured; a job must not fail because its diary cannot be written."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        return None
    if importlib.util.find_spec("mlflow") is None:
        print("warning: MLFLOW_TRACKING_URI is set but mlflow is not installed: no MLflow run", file=sys.stderr)
        return None
    mlflow = importlib.import_module("mlflow")
    try:
        mlflow.start_run(run_name=paths.run_id())
    except Exception as error:  # whatever the client raises: the server is somebody else's
        print(f"warning: no MLflow run: {error}", file=sys.stderr)
        return None
    return mlflow


def wait_for_device(device: torch.device) -> None:
    """Until a GPU has done what it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that was used at once: the GPU's, or this process's own on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
