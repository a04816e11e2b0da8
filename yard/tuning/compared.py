"""What `yard compare` takes beside runs: a search, by its best trial, and trials, by their training jobs' names."""

import re

from shardyard.spec.catalogue.service_jobs import TRAINING, TUNING
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import comparison, runs
from yard.runs.comparison import Curve
from yard.tuning import searches
from yard.tuning.trials import Trial, read_search

_TRIAL = re.compile(rf".+-(?P<run>{runs.RUN_ID})-\d{{3,}}-[0-9a-z]+")
"""SageMaker's names of a search's training jobs."""


def read(aws: Aws, wanted: str) -> Curve:
    """The curve of a run by its id, of a job's newest run, of a search's best trial, or of a trial."""
    named = _TRIAL.fullmatch(wanted)
    if named is None and re.fullmatch(runs.RUN_ID, wanted) is None:
        return comparison.read_curve(aws, runs.find(aws, wanted))
    found = searches.find_any(aws, wanted if named is None else named["run"])
    if found.of is TUNING:
        return _read_trial(aws, found, None if named is None else wanted)
    if named is not None:
        raise UserError(f"The run {found.run_id} of {found.job} is no search, and has no trials.")
    return comparison.read_curve(aws, found)


def _read_trial(aws: Aws, run: runs.Run, name: str | None) -> Curve:
    search = read_search(aws, searches.tuning_job(aws, run))
    trials = {} if search is None else {trial.name: trial for trial in search.trials}
    best = None if search is None else _best(search.best, [trial.name for trial in search.ended])
    see = f"See its trials: yard tune {run.job} --run {run.run_id}"
    if name is None and best is None:
        raise UserError(f"The search {run.run_id} of {run.job} has no trial with a result yet.", see)
    wanted = name if name is not None else best
    if wanted not in trials:
        raise UserError(f"The search {run.run_id} of {run.job} has no trial {wanted}.", see)
    return _curve(aws, run, trials[wanted])


def _best(named: str | None, ended: list[str]) -> str | None:
    """The one that the service names, or before it names one the best of those that have ended."""
    return named if named is not None else next(iter(ended), None)


def _curve(aws: Aws, run: runs.Run, trial: Trial) -> Curve:
    described = TRAINING.describe(aws.client("sagemaker"), trial.name)
    return comparison.curve_of_job(aws, run, described, name=f"trial {trial.number}")
