"""Faults on demand, capacity and settings: the admin interface's verbs for training jobs."""

from collections.abc import Mapping
from typing import Any

from embedded import settings
from embedded.nodes import sandbox
from embedded.operations import Params, ServiceError, admin
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.endings import Order
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.services.sagemaker.training.store import Store
from embedded.status import add_facts
from embedded.weather.spot import SPOT_NOTICE


def register(store: Store) -> None:
    """Register the verbs."""

    @admin("interrupt")
    def interrupt(params: Params) -> Mapping[str, Any]:
        """`{job}`: take a spot job's instances back, as managed spot does."""
        job = _running(store, params)
        if not job.is_spot:
            raise ServiceError("ValidationException", f"{job.name} is no spot job: nothing takes its instances back")
        store.runner(job).order(Order(reason="interrupted", at_once=SPOT_NOTICE.value != SPOT_NOTICE.fair))
        return {"job": job.name}

    @admin("kill")
    def kill(params: Params) -> Mapping[str, Any]:
        """`{job, host}`: SIGKILL to one node's processes; with `hardware` the machine under it is gone.

        With `repaired` as well SageMaker repairs the cluster: the same job starts again, from its checkpoints in S3.
        """
        job = _running(store, params)
        runner = store.runner(job)
        host = params.get("host")
        if host is not None and host not in runner.hosts():
            known = ", ".join(runner.hosts())
            raise ServiceError("ValidationException", f"no such host: {host!r}; {job.name} has {known or 'none yet'}")
        if params.get("hardware"):
            runner.order(Order(reason="repaired" if params.get("repaired") else "hardware", at_once=True))
        else:
            runner.kill(host)
        return {"job": job.name, "host": host}

    @admin("capacity")
    def set_capacity(params: Params) -> Mapping[str, Any]:
        """`{instance_type, count}`: set how many instances there are; without a count there is no limit."""
        if "instance_type" in params:
            count = params.get("count")
            capacity.set_limit(params["instance_type"], None if count is None else int(count))
        return {"capacity": capacity.limits()}

    @admin("settings")
    def change_settings(params: Params) -> Mapping[str, Any]:
        """`{name: value, ...}`: change settings; without any, only show them."""
        settings.change(params)
        return settings.as_dict()

    @add_facts
    def facts() -> Mapping[str, Any]:
        """What `yard cloud status` shows about training."""
        chosen = settings.current.isolation
        best = sandbox.best()
        isolation = best.isolation if chosen == "auto" else chosen
        note = best.why if chosen == "auto" else "chosen in the settings"
        running = [runner.job.name for runner in store.runners() if runner.job.status not in TERMINAL]
        return {
            "isolation": isolation,
            "isolation_note": f"{sandbox.NOT_KEPT_APART} ({note})" if isolation == "loopback" else note,
            "training_jobs_running": running,
        }


def _running(store: Store, params: Params) -> TrainingJob:
    name = params.get("job")
    found = [job for job in store.by_name(str(name)) if job.status not in TERMINAL]
    if not found:
        raise ServiceError("ValidationException", f"no training job {name!r} runs")
    return found[0]
