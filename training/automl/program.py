"""AutoML for a table: `python -m training.automl.program --target COLUMN`.

Without more it searches on its own and stacks what it finds. With `--family` it judges that one candidate: what each
training job of a tuning job does. With a channel `candidates` it stacks what those have left.
"""

import argparse
import io
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import joblib

from contract.automl import CANDIDATES, FAMILIES
from contract.paths import base_folder
from contract.variables import STANDS_IN
from training.automl import report
from training.automl.candidates import Candidate, Data, judge, loss, metrics, order, prepare
from training.automl.preparation import Matrix
from training.automl.search import Found, search
from training.automl.stacking import build, choose, mean_of
from training.automl.table import Table, TableError, read_table

_CANDIDATE_FILE = "candidate.joblib"
_TABLE_SUFFIXES = (".csv", ".txt", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; a table that is of no use ends with its reason."""
    options = _parser().parse_args(arguments)
    if STANDS_IN in os.environ:
        print(os.environ[STANDS_IN], flush=True)
    base = base_folder()
    model = base / "model"
    try:
        table = read_table(_files(base / "input" / "data" / options.channel), options.target, options.problem)
        data = prepare(table)
        if options.family is not None:
            given = vars(options)
            settings = {
                one.name: float(given[one.name]) for one in FAMILIES[options.family] if given[one.name] is not None
            }
            _one(data, options.family, settings, model)
        elif (base / "input" / "data" / CANDIDATES).is_dir():
            _finish(table, data, Found(candidates=_kept(base / "input" / "data" / CANDIDATES)), model)
        else:
            _finish(table, data, search(data, seconds=60 * options.minutes, seed=options.seed), model)
    except TableError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    # the launcher hands every hyperparameter on, the tuning job's own too
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--target", required=True, help="the column to predict")
    parser.add_argument(
        "--problem", choices=("classification", "regression"), help="overrules what the target looks like"
    )
    parser.add_argument("--channel", default="train", help="the channel with the CSV files")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to search")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", choices=tuple(FAMILIES), help="judge this one candidate")
    for name in dict.fromkeys(one.name for settings in FAMILIES.values() for one in settings):
        parser.add_argument(f"--{name}", type=float, help="a setting of the family")
    parser.add_argument("--_tuning_objective_metric", help=argparse.SUPPRESS)
    return parser


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in _TABLE_SUFFIXES)


def _one(data: Data, name: str, settings: dict[str, float], model: Path) -> None:
    lacking = [one.name for one in FAMILIES[name] if one.name not in settings]
    if lacking:
        raise TableError(f"the family {name} needs {', '.join(f'--{one}' for one in lacking)}")
    candidate = judge(data, name, settings)
    _say(data, candidate.name, candidate.predictions)
    model.mkdir(parents=True, exist_ok=True)
    joblib.dump(candidate, model / _CANDIDATE_FILE)


def _kept(folder: Path) -> list[Candidate]:
    """The candidates in the archives of a tuning job's training jobs."""
    found = []
    for archive in sorted(folder.rglob("*.tar.gz")):
        with tarfile.open(archive) as content:
            file = content.extractfile(_CANDIDATE_FILE) if _CANDIDATE_FILE in content.getnames() else None
            if file is not None:
                found.append(joblib.load(io.BytesIO(file.read())))
    if not found:
        raise TableError(f"the channel {CANDIDATES} holds no archive of a candidate")
    return found


def _finish(table: Table, data: Data, found: Found, model: Path) -> None:
    candidates = order(found.candidates)
    members = choose(data, candidates)
    _say(data, f"stack of {len(members)}", mean_of(members))
    stack = build(data, members)
    model.mkdir(parents=True, exist_ok=True)
    joblib.dump(stack, model / "model.joblib")
    board = report.leaderboard(data, candidates, members)
    print(board, flush=True)
    (model / "leaderboard.csv").write_text(board)
    weights = report.importance(data, stack)
    text = report.explanation(table, data, candidates, members, weights, found.failed)
    (model / "explanation.md").write_text(text)


def _say(data: Data, what: str, predictions: Matrix) -> None:
    """The metrics, in the form that the contract's regular expressions find."""
    figures = metrics(data, predictions)
    print(f"{what}: automl validation:loss={loss(data, predictions):.8g}", flush=True)
    for name in ("accuracy", "r2"):
        if name in figures:
            print(f"{what}: automl validation:{name}={figures[name]:.8g}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
