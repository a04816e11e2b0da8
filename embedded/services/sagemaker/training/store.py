"""All training jobs of this cloud."""

from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.jobs.records.store import Store
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON
from embedded.services.sagemaker.training.job import KIND, TrainingJob


def _lost(job: TrainingJob) -> None:
    job.warm_pool = None
    if job.status not in TERMINAL:
        job.finish("Failed", "Failed", "Training job failed", INTERNAL_REASON)


store = Store(KIND, _lost)
