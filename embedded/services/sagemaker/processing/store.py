"""All processing jobs of this cloud."""

from embedded.services.sagemaker.jobs.records.store import Store
from embedded.services.sagemaker.jobs.running.failures import INTERNAL_REASON
from embedded.services.sagemaker.processing.job import KIND, ProcessingJob


def _lost(job: ProcessingJob) -> None:
    job.finish("Failed", failure_reason=INTERNAL_REASON)


store: Store[ProcessingJob] = Store(KIND, _lost)
