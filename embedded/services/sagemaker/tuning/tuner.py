"""Runs a tuning job from its first training job to its end."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embedded import clock
from embedded.operations import Call, ServiceError
from embedded.services.sagemaker.jobs import job as jobs
from embedded.services.sagemaker.training.operations import stop_training_job
from embedded.services.sagemaker.tuning import completion
from embedded.services.sagemaker.tuning.endings import Ending, ending_of, last_word
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.launching import launch_training
from embedded.services.sagemaker.tuning.search.space import Point
from embedded.services.sagemaker.tuning.stopping.hyperband import Rungs
from embedded.services.sagemaker.tuning.stopping.median import is_hopeless
from embedded.services.sagemaker.tuning.strategy import strategies
from embedded.services.sagemaker.tuning.trials import Trial

_LOOK_SECONDS = 0.2
_RETRY_SECONDS = 2.0
_NO_CAPACITY = "CapacityError"
_INTERNAL_REASON = "InternalServerError: We encountered an internal error. Please try again. (see the cloud's log)"

log = logging.getLogger(__name__)


class Changes:
    """How many changes of jobs there were: one that comes between a look and the wait after it is not slept through."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def note(self, _: jobs.Job) -> None:
        """A job has changed."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def count(self) -> int:
        """To be asked before a look at the jobs."""
        with self._changed:
            return self._count

    def wait(self, since: int, seconds: float) -> None:
        """Until there are more than `since`, or the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._count != since, seconds)


_changes = Changes()
jobs.on_change(_changes.note)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """Whose turn it is: a definition, and the how many of its training jobs comes next."""

    index: int
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Try:
    """A training job to be launched."""

    number: int
    index: int
    values: Mapping[str, str]
    point: Point | None
    config: int = 0


class Tuner(threading.Thread):
    """Runs one tuning job."""

    def __init__(self, job: TuningJob) -> None:
        super().__init__(name=f"tuning {job.name}", daemon=True)
        self._job = job
        self._searches = strategies(job)
        self._exhausted: set[int] = set()
        self._postponed: list[_Try] = []
        self._retry_at = 0.0

    def run(self) -> None:
        """Search to the end; whatever goes wrong on the way becomes the FailureReason."""
        job = self._job
        try:
            ending = self._search()
            self._end_running()
            job.finish(ending.status, ending.reason)
        except ServiceError as error:
            self._give_up(f"ClientError: {error.message}")
        except Exception:
            log.exception("tuning job %s failed inside the embedded cloud", job.name)
            self._give_up(_INTERNAL_REASON)

    def _search(self) -> Ending:
        job = self._job
        while True:
            seen = _changes.count()
            self._move_on()
            if completion.has_converged(job.losses(), self._parameters(), job.limits["MaxParallelTrainingJobs"]):
                job.note_convergence()
            ending = ending_of(job)
            if ending is not None:
                return ending
            self._stop_early()
            if not self._launch() and not job.running() and not self._move_on():
                return last_word(job)
            _changes.wait(seen, _LOOK_SECONDS)

    def _parameters(self) -> int:
        return max(len(definition.space.parameters) for definition in self._job.definitions)

    def _launch(self) -> bool:
        """Launch as many training jobs as may run at once; False when no more are to come."""
        job, limits = self._job, self._job.limits
        most = limits.get("MaxNumberOfTrainingJobs")
        while self._postponed or most is None or self._launched() < most:
            if len(job.running()) >= limits["MaxParallelTrainingJobs"] or clock.seconds() < self._retry_at:
                return True
            following = self._postponed.pop(0) if self._postponed else self._next()
            if following is None:
                return False
            self._start(following)
        return False

    def _next(self) -> _Try | None:
        """What the search wants to try next; None when nothing is left to try."""
        job = self._job
        while (turn := self._turn()) is not None:
            definition = job.definitions[turn.index]
            own = [trial for trial in job.trials if trial.definition is definition and not trial.replaced]
            proposal = self._searches[turn.index].propose(turn.number, own)
            if proposal is not None:
                number = self._launched()
                return _Try(number=number, index=turn.index, values=proposal.values, point=proposal.point)
            self._exhausted.add(turn.index)
        return None

    def _launched(self) -> int:
        return sum(not trial.replaced for trial in self._job.trials)

    def _turn(self) -> _Turn | None:
        """The definitions take turns, but for those whose search has nothing left."""
        counts = [0] * len(self._searches)
        for trial in self._job.trials:
            if not trial.replaced:
                counts[self._job.definitions.index(trial.definition)] += 1
        left = [index for index in range(len(counts)) if index not in self._exhausted]
        chosen = min(left, key=lambda index: counts[index], default=None)
        return None if chosen is None else _Turn(index=chosen, number=counts[chosen])

    def _start(self, wanted: _Try) -> None:
        job = self._job
        definition = job.definitions[wanted.index]
        try:
            made = launch_training(job, definition, wanted.values, number=wanted.number, config=wanted.config)
        except ServiceError as error:
            if error.code != "ResourceLimitExceeded":
                raise
            # what the quota allows is used by other jobs: it waits for them, as for capacity
            self._postponed.insert(0, wanted)
            self._retry_at = clock.seconds() + _RETRY_SECONDS
            return
        trial = Trial(number=wanted.number, definition=definition, values=wanted.values, point=wanted.point, job=made)
        trial.config = wanted.config
        job.add(trial)

    def _move_on(self) -> bool:
        """Give training jobs that found no capacity another chance, on the next of the instances that may be used."""
        before = len(self._postponed)
        for trial in list(self._job.trials):
            lacks = (trial.job.failure_reason or "").startswith(_NO_CAPACITY)
            config = trial.config + 1
            if trial.replaced or not trial.has_ended or not lacks or config >= len(trial.definition.resources):
                continue
            trial.replaced = True
            index = self._job.definitions.index(trial.definition)
            again = _Try(number=trial.number, index=index, values=trial.values, point=trial.point, config=config)
            self._postponed.append(again)
        return len(self._postponed) > before

    def _stop_early(self) -> None:
        """Stop the training jobs that the strategy has no more use for."""
        for trial in self._job.running():
            if trial.job.status == "InProgress" and self._is_over(trial):
                self._stop(trial)

    def _is_over(self, trial: Trial) -> bool:
        job, losses = self._job, trial.losses
        others = [one for one in job.trials if one is not trial and one.definition is trial.definition]
        hyperband = job.config.get("StrategyConfig", {}).get("HyperbandStrategyConfig")
        if job.config["Strategy"] == "Hyperband" and hyperband is not None:
            rungs = Rungs(least=hyperband["MinResource"], most=hyperband["MaxResource"])
            over = rungs.is_over(trial.number, losses, [one.losses for one in others], judged=trial.judged)
            trial.judged = len(losses)
            return over
        if job.config.get("TrainingJobEarlyStoppingType") != "Auto":
            return False
        earlier = [one for one in others if one.number < trial.number or one.has_ended]
        completed = [one.losses for one in earlier if one.job.status == "Completed" and one.series]
        rest = [one.losses for one in earlier if one.job.status != "Completed" and one.job.status != "Failed"]
        return is_hopeless(losses, completed, rest)

    def _stop(self, trial: Trial) -> None:
        call = Call(account=self._job.account, region=self._job.region, principal=self._job.arn)
        try:
            stop_training_job(call, {"TrainingJobName": trial.job.name})
        except ServiceError:
            # it has ended or been deleted meanwhile
            log.debug("%s cannot be stopped any more", trial.job.name)

    def _end_running(self) -> None:
        """Stop what still runs, and wait for it."""
        running: Sequence[Trial] = self._job.running()
        for trial in running:
            self._stop(trial)
        for trial in running:
            trial.job.ended.wait()

    def _give_up(self, reason: str) -> None:
        self._end_running()
        self._job.finish("Failed", reason)
