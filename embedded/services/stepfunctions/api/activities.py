"""Activities: tasks that workers elsewhere ask for."""

import time
from typing import Any

from moto.stepfunctions.parser.asl.eval.callback.callback import ActivityCallbackEndpoint
from moto.stepfunctions.parser.backend.activity import Activity, ActivityTask

from embedded import clock
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import arns
from embedded.services.stepfunctions.api.callbacks import executions
from embedded.services.stepfunctions.api.pages import page
from embedded.services.stepfunctions.records import activities, backend

_POLL_SECONDS = 60.0
_STEP_SECONDS = 0.1


def _activity(call: Call, arn: str) -> Activity:
    arns.check(arn, "activity")
    found = activities(call.account, call.region).get(arn)
    if found is None:
        raise ServiceError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return found


@operation("stepfunctions", "CreateActivity")
def create_activity(call: Call, params: Params) -> dict[str, Any]:
    """Create an activity; the same name a second time is the first."""
    arns.check_name(params["name"])
    arn = f"arn:aws:states:{call.region}:{call.account}:activity:{params['name']}"
    known = activities(call.account, call.region)
    if arn not in known:
        known[arn] = Activity(arn=arn, name=params["name"])
        if params.get("tags"):
            backend(call.account, call.region).tagger.tag_resource(arn, params["tags"])
    return {"activityArn": arn, "creationDate": known[arn].creation_date}


@operation("stepfunctions", "DescribeActivity")
def describe_activity(call: Call, params: Params) -> dict[str, Any]:
    """Describe an activity."""
    found = _activity(call, params["activityArn"])
    return {**found.to_describe_activity_output(), "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}


@operation("stepfunctions", "ListActivities")
def list_activities(call: Call, params: Params) -> dict[str, Any]:
    """List activities, the oldest first."""
    items = [one.to_activity_list_item() for one in activities(call.account, call.region).values()]
    some, following = page(items, params)
    return {"activities": some, **following}


@operation("stepfunctions", "DeleteActivity")
def delete_activity(call: Call, params: Params) -> dict[str, Any]:
    """Delete an activity; one that is not there is deleted already."""
    arns.check(params["activityArn"], "activity")
    activities(call.account, call.region).pop(params["activityArn"], None)
    return {}


@operation("stepfunctions", "GetActivityTask")
def get_activity_task(call: Call, params: Params) -> dict[str, Any]:
    """The next task of an activity; without one the answer waits for a minute, and is empty then."""
    found = _activity(call, params["activityArn"])
    until = clock.seconds() + _POLL_SECONDS
    while clock.seconds() < until:
        task = _next(found)
        if task is not None and _started(call, task, params.get("workerName")):
            return {"taskToken": task.task_token, "input": task.task_input}
        if task is None:
            time.sleep(_STEP_SECONDS)
    return {}


def _next(activity: Activity) -> ActivityTask | None:
    try:
        return activity.get_task()
    except IndexError:
        return None


def _started(call: Call, task: ActivityTask, worker: str | None) -> bool:
    """Tell the execution that a worker has the task; False where nobody waits for it any more."""
    for execution in executions(call):
        endpoint = execution.exec_worker.env.callback_pool_manager.get(callback_id=task.task_token)
        if isinstance(endpoint, ActivityCallbackEndpoint):
            endpoint.notify_activity_task_start(worker_name=worker)
            return True
    return False
