"""`python -m training.builtin ALGORITHM train|serve`: the entrypoint of an image that stands in for an algorithm's."""

import importlib
import json
import os
import sys
from collections.abc import Sequence

from contract.builtin import ALGORITHMS
from contract.paths import base_folder
from contract.serving import ACCEPT_VARIABLE, WORKERS_VARIABLE
from contract.variables import SERVING_MODULE
from training.builtin.job import Job, UserError, read_job

_PROGRAMS = {
    "xgboost": "boosting",
    "linear-learner": "linear",
    "kmeans": "clusters",
    "factorization-machines": "factorization",
    "blazingtext": "texts",
    "deepar": "forecasting",
}
_DEEPAR_WORKERS = "MODEL_SERVER_WORKERS"
"""What DeepAR calls the number of its workers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; what the user can change ends with a sentence in the failure file, as the algorithms write it."""
    name, verb = sys.argv[1:] if arguments is None else arguments
    base = base_folder()
    print(ALGORITHMS[name].sentence, flush=True)
    if verb == "serve":
        return _serve(name)
    try:
        job: Job = read_job(base)
        importlib.import_module(f"training.builtin.{_PROGRAMS[name]}").train(job)
    except (UserError, json.JSONDecodeError) as error:
        failure = base / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(f"Customer Error: {error}")
        print(f"Customer Error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _serve(name: str) -> int:
    """Become the runtime, with what the algorithm answers; XGBoost's own file it knows by itself."""
    if name == "xgboost":
        os.environ[ACCEPT_VARIABLE] = os.environ.get(ACCEPT_VARIABLE) or "text/csv"
    else:
        os.environ[SERVING_MODULE] = f"training.builtin.answers.{_PROGRAMS[name]}"
    if name == "deepar" and _DEEPAR_WORKERS in os.environ:
        os.environ.setdefault(WORKERS_VARIABLE, os.environ[_DEEPAR_WORKERS])
    os.execv(sys.executable, [sys.executable, "-m", "training.launcher", "serve"])


if __name__ == "__main__":
    sys.exit(main())
