"""`python -m training.builtin ALGORITHM train|serve`: the entrypoint of an image that stands in for an algorithm's."""

import importlib
import json
import os
import sys
from collections.abc import Sequence

from contract.builtin import ALGORITHMS
from contract.paths import base_folder
from contract.serving import ACCEPT_VARIABLE
from training.builtin.job import Job, UserError, read_job

_PROGRAMS = {
    "xgboost": "boosting",
    "linear-learner": "linear",
    "kmeans": "clusters",
    "factorization-machines": "factorization",
    "blazingtext": "texts",
    "deepar": "forecasting",
}
_SERVED = ("xgboost",)
"""Those whose model is in the open format of a package."""


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
    """Become the runtime, which knows the algorithm's own file and answers CSV as the algorithm does."""
    if name not in _SERVED:
        said = f"The stand-in for {name} trains, and serves nothing: its model is in a format of its own."
        print(f"{said} Bring a container that loads it.", file=sys.stderr, flush=True)
        return 1
    if not os.environ.get(ACCEPT_VARIABLE):
        os.environ[ACCEPT_VARIABLE] = "text/csv"
    os.execv(sys.executable, [sys.executable, "-m", "training.launcher", "serve"])


if __name__ == "__main__":
    sys.exit(main())
