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

from training import paths

END_SECONDS = 10.0
"""How long the end of the job waits for what MLflow has not yet taken."""
TAG = "shardyard.run_id"
"""The tag by which a run that goes on finds what it wrote before."""


class MlflowRun:
    """All calls of MLflow, made in order by one thread, until the first that fails."""

    def __init__(self, mlflow: Any) -> None:
        self._mlflow = mlflow
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._make_calls, daemon=True, name="mlflow")
        self._calls.put(partial(_start, mlflow, paths.run_id()))
        self._thread.start()

    def log(self, step: int, values: dict[str, float]) -> None:
        """Report the numbers of one step."""
        self._calls.put(partial(self._mlflow.log_metrics, values, step=step))

    def end(self, status: str) -> None:
        """Close the run: `FINISHED`, `KILLED` (a run that can go on) or `FAILED`."""
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


def _start(mlflow: Any, run_id: str) -> None:
    """Go on with the run that an earlier start of this one began, else begin one.

    A run that MLFLOW_RUN_ID names is MLflow's own affair, and runs without an id have nothing in common but `local`.
    """
    found = []
    if "MLFLOW_RUN_ID" not in os.environ and run_id != paths.NO_RUN_ID:
        found = mlflow.search_runs(filter_string=f"tags.`{TAG}` = '{run_id}'", max_results=1, output_format="list")
    if found:
        mlflow.start_run(run_id=found[0].info.run_id)
    else:
        mlflow.start_run(run_name=run_id, tags={TAG: run_id})


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
