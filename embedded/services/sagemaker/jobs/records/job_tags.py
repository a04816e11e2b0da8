"""The tags of jobs, found by their ARN."""

from embedded.operations import Call, ServiceError
from embedded.services.sagemaker.jobs.job import Job
from embedded.services.sagemaker.jobs.records.store import stores
from embedded.services.sagemaker.tags import Tags, taggable


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    for store in stores():
        if f":{store.kind.resource}/" in arn:
            job = store.find(call.account, call.region, arn.rpartition("/")[2])
            if job is None:
                raise ServiceError("ValidationException", "Requested resource not found.")
            return _JobTags(job)
    return None


class _JobTags(Tags):
    """One job's tags."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def read(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._job.tags}

    def write(self, tags: dict[str, str]) -> None:
        self._job.tags = [{"Key": key, "Value": value} for key, value in tags.items()]
