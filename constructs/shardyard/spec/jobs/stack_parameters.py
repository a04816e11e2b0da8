"""The stack parameters of one job: what a deploy may change about it without a new synth."""

import re
from collections.abc import Sequence

from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.settings.parameters import Parameter

_SUFFIXES = {
    "instance_type": "InstanceType",
    "instance_count": "InstanceCount",
    "spot": "Spot",
    "max_runtime_seconds": "MaxRuntimeSeconds",
}


def pascal(name: str) -> str:
    """A job's name as a logical id: `gpt-tp-pp` becomes `GptTpPp`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def job_parameters(spec: JobSpec, instance_types: Sequence[str]) -> dict[str, Parameter]:
    """The parameters by the name of the value that each overrides; `instance_types` are those that its rules accept.

    A job of instance groups or preferences says its machines itself, so it has no parameter for type and count.
    """
    made = {
        "spot": _parameter(spec, "spot", "spot.enabled", "true or false", allowed=("true", "false")),
        "max_runtime_seconds": _parameter(
            spec, "max_runtime_seconds", "limits.max_runtime", "seconds, up to 28 days", pattern="[1-9][0-9]{0,6}"
        ),
    }
    if spec.compute.instance_type is not None:
        made["instance_type"] = _parameter(
            spec,
            "instance_type",
            "compute.instance_type",
            "an instance type that the job's rules accept",
            allowed=tuple(instance_types),
        )
        made["instance_count"] = _parameter(
            spec, "instance_count", "compute.count", "a number of instances from 1 to 9999", pattern="[1-9][0-9]{0,3}"
        )
    return made


def _parameter(
    spec: JobSpec, value: str, place: str, says: str, *, allowed: tuple[str, ...] = (), pattern: str = ".+"
) -> Parameter:
    return Parameter(
        name=f"{pascal(spec.name)}{_SUFFIXES[value]}",
        part=spec.stack,
        overrides=f"{place} of jobs/{spec.name}.toml",
        says=says,
        allowed=allowed,
        pattern=pattern,
    )
