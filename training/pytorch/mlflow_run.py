"""An MLflow run that is written beside the training: a server that is slow or gone costs the job nothing."""

import importlib
import importlib.util
import os
import queue
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from training.pytorch import paths

END_SECONDS = 10.0
"""How long the end of the job waits for what MLflow has not yet taken."""


class MlflowRun:
    """All calls of MLflow, made in order by one thread, until the first that fails."""

    def __init__(self, mlflow: Any) -> None:
        self._mlflow = mlflow
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._make_calls, daemon=True, name="mlflow")
        self._calls.put(partial(mlflow.start_run, run_name=paths.run_id()))
        self._thread.start()

    def log(self, step: int, values: dict[str, float]) -> None:
        """Report the numbers of one step."""
        self._calls.put(partial(self._mlflow.log_metrics, values, step=step))

    def end(self, status: str) -> None:
        """Close the run, `FINISHED` or `FAILED`."""
        self._calls.put(partial(self._mlflow.end_run, status))
        self._calls.put(None)
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            print(f"warning: MLflow has not answered for {END_SECONDS:g} s: its run is not complete", file=sys.stderr)

    def _make_calls(self) -> None:
        try:
            for call in iter(self._calls.get, None):
                call()
        except Exception as error:  # whatever the client raises: the server is somebody else's
            print(f"warning: MLflow gets no further metrics: {error}", file=sys.stderr)


def start_mlflow() -> MlflowRun | None:
    """The run, where a tracking server is configured; a job must not fail because its diary cannot be written."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        return None
    if importlib.util.find_spec("mlflow") is None:
        print("warning: MLFLOW_TRACKING_URI is set but mlflow is not installed: no MLflow run", file=sys.stderr)
        return None
    try:
        return MlflowRun(importlib.import_module("mlflow"))
    except ImportError as error:
        print(f"warning: mlflow cannot be imported: {error}", file=sys.stderr)
        return None
