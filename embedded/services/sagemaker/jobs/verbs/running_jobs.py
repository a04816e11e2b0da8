"""Finds the running job that a verb of the admin interface names."""

from typing import Any

from embedded.operations import Params, ServiceError
from embedded.services.sagemaker.jobs.records.store import stores
from embedded.services.sagemaker.jobs.running.runner import JobRunner


def the_runner(params: Params) -> JobRunner[Any]:
    """The runner of the job that `job` names; `kind` (training, processing) tells jobs of one name apart."""
    name, kind = params.get("job"), params.get("kind")
    known = [store.kind.word.lower() for store in stores()]
    if kind is not None and kind not in known:
        raise ServiceError("ValidationException", f"no such kind of job: {kind!r}; known: {', '.join(known)}")
    found = [
        runner
        for store in stores()
        if kind in (None, store.kind.word.lower())
        for runner in store.running()
        if runner.job.name == name
    ]
    if not found:
        raise ServiceError("ValidationException", f"no {kind or 'training or processing'} job {name!r} runs")
    if len({runner.job.kind for runner in found}) > 1:
        kinds = " or ".join(f"kind={runner.job.kind.word.lower()}" for runner in found)
        raise ServiceError("ValidationException", f"several jobs {name!r} run: say {kinds}")
    return found[0]
