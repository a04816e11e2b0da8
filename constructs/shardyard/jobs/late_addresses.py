"""Addresses that only the deploy knows, as placeholders in a definition that stands in a state machine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.project_files import misread_texts

_TOKEN = "${Token["
"""How CDK writes a value that only the deploy knows; asking CDK itself would be a call for each channel."""


def late_addresses(spec: JobSpec) -> dict[str, str]:
    """The addresses of channels and checkpoints that hold a token, by their placeholders' names."""
    found = {placeholder: str(spec.channels[name].s3) for name, placeholder in _late_channels(spec)}
    if _TOKEN in str(spec.checkpoints.s3):
        found["Checkpoints"] = str(spec.checkpoints.s3)
    return found


def embeddable(spec: JobSpec) -> dict[str, Any]:
    """The definition as it may stand in a state machine, with a placeholder for each address known late."""
    placed = {
        name: replace(spec.channels[name], s3=f"${{{placeholder}}}") for name, placeholder in _late_channels(spec)
    }
    early = {name: channel for name, channel in spec.channels.items() if name not in placed}
    late = _TOKEN in str(spec.checkpoints.s3)
    known = replace(spec, channels=early, checkpoints=replace(spec.checkpoints, s3=None) if late else spec.checkpoints)
    problems = [Problem(f"job {spec.name!r}", problem.message) for problem in misread_texts(known)]
    if problems:
        raise SpecError(problems)
    checkpoints = replace(spec.checkpoints, s3="${Checkpoints}") if late else spec.checkpoints
    return replace(spec, channels={**spec.channels, **placed}, checkpoints=checkpoints).to_dict()


def _late_channels(spec: JobSpec) -> Iterator[tuple[str, str]]:
    late = (name for name, channel in spec.channels.items() if _TOKEN in str(channel.s3))
    return ((name, f"Channel{number}") for number, name in enumerate(late))
