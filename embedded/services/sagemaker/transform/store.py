"""All transform jobs of this cloud."""

from embedded.services.sagemaker.jobs.records.store import Store
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON
from embedded.services.sagemaker.transform.job import KIND, TransformJob


def _lost(job: TransformJob) -> None:
    job.finish("Failed", failure_reason=INTERNAL_REASON)


store: Store[TransformJob] = Store(KIND, _lost)
