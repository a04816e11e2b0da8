"""The addresses that a launch names for a job's inputs: the job's role reads below those of its file."""

from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.automl.data import AutoMLInput
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import LaunchInput
from shardyard.spec.jobs.processing.inputs import Input
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.data import TransformInput
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.places import address


def named_input_problems(
    deployed: LaunchedSpec, changed: LaunchedSpec, given: LaunchInput, deployment: Deployment | None
) -> Iterator[Problem]:
    """What a launch names and may not, or does not name and must; `changed` is the job with its input applied.

    Without a deployment the names of the project's buckets are not known, and what lies in them goes by its prefix.
    """
    kinds = (ProcessingSpec, TransformSpec, AutoMLSpec)
    if not isinstance(deployed, kinds) or not isinstance(changed, kinds):
        return
    for name, one in deployed.inputs.items():
        if one.s3 is None:
            continue
        place = one.s3 if deployment is None else _whole(one, deployment)
        if one.named_at_launch and name not in given.inputs:
            way = f"yard run {deployed.name} --input {name}={place}..."
            yield Problem(f"inputs.{name}", f"each launch names its address below {place} ({way})")
        elif name in given.inputs and not _is_below(place, changed.inputs[name], deployment):
            asked = changed.inputs[name].s3 if deployment is None else _whole(changed.inputs[name], deployment)
            message = f"{asked} is not below {place}, and the job's role reads nothing else (deploy another address)"
            yield Problem(f"inputs.{name}", message)


def _whole(one: Input | TransformInput | AutoMLInput, deployment: Deployment) -> str:
    return address(str(one.s3), one.bucket, deployment)


def _is_below(place: str, asked: Input | TransformInput | AutoMLInput, deployment: Deployment | None) -> bool:
    if deployment is not None:
        return _whole(asked, deployment).startswith(place)
    named = str(asked.s3)
    if not place.startswith("s3://") and named.startswith("s3://"):
        named = named.removeprefix("s3://").partition("/")[2]
    return named.startswith(place)
