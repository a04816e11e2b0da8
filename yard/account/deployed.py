"""A deployed job, read back from its state machine: its definition, and what only the deployment knows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.jobs.kinds import spec_of
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import apply_parameters
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.tuning.trials import searched, without_search
from yard.aws import Aws
from yard.runs import runs

_NOT_DEFINED = ("source", "name", "renamed_from")
"""The code's hash is known at deploy only, and code is sent with each launch; a renamed job is deployed as before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """One deployed job."""

    definition: LaunchedSpec
    """The job's file as it was deployed."""
    spec: LaunchedSpec
    """The definition with the stack's parameters applied."""
    deployment: Deployment
    """Buckets, role, image, network and keys."""
    sources: dict[str, str]
    """Where each value comes from."""

    @property
    def image(self) -> tuple[str, str] | None:
        """Repository and tag of an image built from a folder of containers/; None for any other image."""
        if self.spec.image.folder is None or self.deployment.image_uri is None:
            return None
        repository, _, tag = self.deployment.image_uri.partition("/")[2].rpartition(":")
        return repository, tag


def read(aws: Aws, job: str, *, search: bool = False) -> Deployed:
    """Read a job, or its search, back from its state machine; one that is not deployed says how to deploy it."""
    from botocore.exceptions import ClientError

    from yard.tuning import searches

    arn = aws.search_machine_arn(job) if search else aws.state_machine_arn(job)
    try:
        machine = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    except ClientError as error:
        missing = searches.not_deployed if search else runs.not_deployed
        raise missing(aws, job, error) from None
    launch: dict[str, Any] = json.loads(machine["definition"])["States"]["Preflight"]["Parameters"]["Payload"]
    definition = spec_of(launch["definition"])
    spec, sources = apply_parameters(definition, launch["parameters"])
    deployment = Deployment.from_dict(launch["deployment"])
    return Deployed(definition=definition, spec=spec, deployment=deployment, sources=sources)


def changed_since(deployed: Deployed, local: LaunchedSpec) -> list[str]:
    """The fields of a job's file that differ from what is deployed."""
    if searched(deployed.definition) is None:  # what launches the job itself is not told of its search
        local = without_search(local)
    then, now = deployed.definition.to_dict(), local.to_dict()
    return sorted(set(_differences(then, now)))


def _differences(then: Mapping[str, Any], now: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key in {*then, *now}:
        if not above and key in _NOT_DEFINED:
            continue
        before, after = then.get(key), now.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _differences(before, after, f"{above}{key}.")
        elif before != after:
            yield f"{above}{key}"
