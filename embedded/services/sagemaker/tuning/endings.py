"""How a tuning job ends: by its limits, its completion criteria, an order to stop, or because nothing works."""

from dataclasses import dataclass

from embedded.services.sagemaker.tuning import completion
from embedded.services.sagemaker.tuning.job import TuningJob

_ATTEMPTS = 5
"""So many training jobs without any objective, and the service gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The final status, and the FailureReason."""

    status: str
    reason: str | None = None


def ending_of(job: TuningJob) -> Ending | None:
    """Why a tuning job ends now, whatever still runs; None while it goes on."""
    if job.status == "Stopping":
        return Ending(status="Stopped")
    ended = [trial for trial in job.trials if trial.has_ended and not trial.replaced]
    if len(ended) >= _ATTEMPTS and not job.finished():
        return Ending(status="Failed", reason=_nothing_found(job, given_up=True))
    most_seconds = job.limits.get("MaxRuntimeInSeconds")
    if most_seconds is not None and job.seconds >= most_seconds:
        return last_word(job)
    return Ending(status="Completed") if _criteria_met(job) else None


def last_word(job: TuningJob) -> Ending:
    """How a tuning job ends that has nothing more to do."""
    if job.status == "Stopping":
        return Ending(status="Stopped")
    if any(trial.objective_status != "Failed" for trial in job.trials):
        return Ending(status="Completed")
    return Ending(status="Failed", reason=_nothing_found(job, given_up=False))


def _criteria_met(job: TuningJob) -> bool:
    criteria = job.config.get("TuningJobCompletionCriteria", {})
    losses = job.losses()
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and losses and min(losses) <= job.definitions[0].loss(target):
        return True
    patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if patience is not None and completion.not_improving(losses) >= patience:
        return True
    convergence = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence")
    return convergence == "Enabled" and job.converged is not None


def _nothing_found(job: TuningJob, *, given_up: bool) -> str:
    """The service's words."""
    ended = [trial for trial in job.trials if trial.has_ended and not trial.replaced]
    details = "Please take a look at the training job failures to get more details."
    if any(trial.job.status != "Failed" for trial in ended):
        return (
            f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the custom "
            "algorithm is emitting the objective metric as defined by the regular expression provided."
        )
    what = f"No training job succeeded after {len(ended)} attempts" if given_up else "All training jobs failed"
    return f"{what}. {details}"
