"""Faults on demand, capacity and settings: the admin interface's verbs for jobs of all kinds."""

from collections.abc import Mapping
from typing import Any

from embedded import settings
from embedded.nodes import sandbox
from embedded.operations import Params, ServiceError, admin
from embedded.process import engines
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.endings import Order
from embedded.services.sagemaker.jobs.records.store import stores
from embedded.services.sagemaker.jobs.verbs.running_jobs import the_runner
from embedded.status import add_facts
from embedded.weather.spot import SPOT_NOTICE


@admin("interrupt")
def interrupt(params: Params) -> Mapping[str, Any]:
    """`{job}`: take a spot job's instances back, as managed spot does."""
    runner = the_runner(params)
    if not runner.job.is_spot:
        raise ServiceError("ValidationException", f"{runner.job.name} is no spot job: nothing takes its instances back")
    runner.order(Order(reason="interrupted", at_once=SPOT_NOTICE.value != SPOT_NOTICE.fair))
    return {"job": runner.job.name}


@admin("kill")
def kill(params: Params) -> Mapping[str, Any]:
    """`{job, host}`: SIGKILL to one node's processes; with `hardware` the machine under it is gone.

    With `repaired` as well SageMaker repairs a training job's cluster: the same job starts again, from its checkpoints
    in S3. Of a training job and a processing job of the same name, `kind` tells which.
    """
    runner = the_runner(params)
    name, host = runner.job.name, params.get("host")
    if host is not None and host not in runner.hosts():
        known = ", ".join(runner.hosts())
        raise ServiceError("ValidationException", f"no such host: {host!r}; {name} has {known or 'none yet'}")
    if params.get("hardware"):
        runner.order(Order(reason="repaired" if params.get("repaired") else "hardware", at_once=True))
    else:
        runner.kill(host)
    return {"job": name, "host": host}


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
    """What `yard cloud status` shows about jobs."""
    socket = engines.docker_socket()
    engine = {"engine": "process"} if socket is None else {"engine": "docker", "docker_socket": str(socket)}
    chosen = settings.current.isolation
    best = sandbox.best()
    isolation = best.isolation if chosen == "auto" else chosen
    note = best.why if chosen == "auto" else "chosen in the settings"
    running = {
        f"{store.kind.noun.replace(' ', '_')}s_running": [runner.job.name for runner in store.running()]
        for store in stores()
    }
    return {
        **engine,
        "isolation": isolation,
        "isolation_note": f"{sandbox.NOT_KEPT_APART} ({note})" if isolation == "loopback" else note,
        **running,
    }
