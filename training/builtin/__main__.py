"""`python -m training.builtin ALGORITHM train`: the entrypoint of an image that stands in for an algorithm's own."""

import importlib
import json
import sys
from collections.abc import Sequence

from contract.builtin import ALGORITHMS
from contract.paths import base_folder
from training.builtin.job import Job, UserError, read_job

_PROGRAMS = {
    "xgboost": "boosting",
    "linear-learner": "linear",
    "kmeans": "clusters",
    "factorization-machines": "factorization",
    "blazingtext": "texts",
    "deepar": "forecasting",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; what the user can change ends with a sentence in the failure file, as the algorithms write it."""
    name, *_ = sys.argv[1:] if arguments is None else arguments
    base = base_folder()
    print(ALGORITHMS[name].sentence, flush=True)
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


if __name__ == "__main__":
    sys.exit(main())
