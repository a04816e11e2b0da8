"""The stack parameters of one job: what a deploy can change about it without a new synth."""

import re
from collections.abc import Sequence

from shardyard.spec.jobs.instance_pattern import instance_pattern
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overridable import overrides_of
from shardyard.spec.parameter import Parameter

_OF_ONE_TYPE = ("instance_type", "instance_count")


def pascal(name: str) -> str:
    """A job's name as a logical id: `gpt-tp-pp` becomes `GptTpPp`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def job_parameters(spec: LaunchedSpec, instance_types: Sequence[str]) -> dict[str, Parameter]:
    """The parameters by the name of the value that each overrides; `instance_types` are those that the rules accept.

    A job with instance groups or preferences names its instances there, so it has no parameters for type and count.
    """
    patterns = {"instance_type": instance_pattern(instance_types)} if instance_types else {}
    return {
        one.name: Parameter(
            name=f"{pascal(spec.deployed_as)}{one.parameter}",
            part=spec.stack,
            overrides=f"{one.path} of jobs/{spec.name}.toml",
            says=one.says,
            allowed=("true", "false") if one.name == "spot" else (),
            pattern=patterns.get(one.name, one.pattern),
        )
        for one in overrides_of(type(spec))
        if one.parameter is not None and (spec.compute.instance_type is not None or one.name not in _OF_ONE_TYPE)
    }
