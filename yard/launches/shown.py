"""A plan of a launch as people and programs read it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shardyard.spec.units import format_duration

if TYPE_CHECKING:
    from shardyard.spec.jobs.launched import LaunchedSpec
    from yard.plan import LaunchPlan


def as_facts(plan: "LaunchPlan", root: Path) -> dict[str, Any]:
    """For a screen."""
    from shardyard.spec.jobs.code.files import source_files

    spec = plan.spec
    source = spec.source
    changed = [
        f"{name} ({source})"
        for name, source in sorted(plan.sources.items())
        if source in ("stage", "parameter", "input")
    ]
    return {
        "job": spec.name,
        "instances": ", ".join(f"{count} x {kind}" for kind, count in spec.compute.alternatives[0]),
        "fallback": ", ".join(fallback.instance_type for fallback in spec.compute.fallback) or None,
        "capacity": "spot" if spec.uses_spot else "on demand",
        "longest_runtime": format_duration(spec.limits.max_runtime_seconds),
        "source": None if source is None else f"{source.dir}: {source_files(root, source.dir)}",
        **_own_facts(spec),
        "not_from_the_file": ", ".join(changed) or None,
        "worst_case": plan.cost.lines[-1],
    }


def _own_facts(spec: "LaunchedSpec") -> dict[str, Any]:
    from shardyard.spec.jobs.automl.automl import AutoMLSpec
    from shardyard.spec.jobs.job import JobSpec
    from shardyard.spec.jobs.processing.processing import ProcessingSpec
    from shardyard.spec.jobs.transform.transform import TransformSpec

    if isinstance(spec, JobSpec):
        program = spec.program
        return {
            "program": None if program is None else shlex.join([program.entry, *program.arguments]),
            "data": ", ".join(f"{name} ({one.s3 or 'not in S3'}, {one.mode})" for name, one in spec.channels.items()),
            "hyperparameters": ", ".join(f"{name}={_plain(value)}" for name, value in spec.hyperparameters.items()),
        }
    if isinstance(spec, AutoMLSpec):
        return {
            "learns": f"{spec.problem}, up to {spec.most_candidates} candidates",
            "data": ", ".join(f"{name} ({one.s3})" for name, one in spec.inputs.items()),
            "instances": f"SageMaker's choice; counted by {spec.compute.instance_type}",
        }
    if isinstance(spec, TransformSpec):
        return {
            "model": spec.model.run or spec.model.s3,
            "data": ", ".join(f"{name} ({one.s3}, {one.content_type})" for name, one in spec.inputs.items()),
            "writes": spec.output.s3 or "its run",
        }
    assert isinstance(spec, ProcessingSpec), spec.kind
    written = (f"{name} ({one.s3 or one.feature_group or 'its run'})" for name, one in spec.outputs.items())
    return {
        "program": shlex.join(_command(spec)) or None,
        "data": ", ".join(f"{name} ({one.s3 or 'a query'}, {one.mode})" for name, one in spec.inputs.items()),
        "writes": ", ".join(written),
    }


def _command(spec: Any) -> list[str]:
    if spec.spark is not None:
        return [spec.spark.application, *spec.spark.arguments]
    return [] if spec.program is None else [spec.program.entry, *spec.program.arguments]


def as_json(plan: "LaunchPlan") -> dict[str, Any]:
    """For a program."""
    spec = plan.spec
    return {
        "job": spec.name,
        "instances": [{"type": kind, "count": count} for kind, count in spec.compute.alternatives[0]],
        "fallback": [fallback.instance_type for fallback in spec.compute.fallback],
        "spot": spec.uses_spot,
        "max_runtime_seconds": spec.limits.max_runtime_seconds,
        **_own_json(spec),
        "environment": spec.environment,
        "sources": plan.sources,
        "hourly_usd": plan.hourly_usd,
        "worst_case": plan.cost.to_dict(),
    }


def _own_json(spec: "LaunchedSpec") -> dict[str, Any]:
    from shardyard.spec.jobs.automl.automl import AutoMLSpec
    from shardyard.spec.jobs.job import JobSpec
    from shardyard.spec.jobs.processing.processing import ProcessingSpec
    from shardyard.spec.jobs.transform.transform import TransformSpec

    if isinstance(spec, JobSpec):
        return {
            "arguments": [] if spec.program is None else spec.program.arguments,
            "channels": {name: {"s3": one.s3, "mode": one.mode} for name, one in spec.channels.items()},
            "hyperparameters": spec.hyperparameters,
        }
    if isinstance(spec, AutoMLSpec):
        return {
            "problem": spec.problem,
            "candidates": {"count": spec.most_candidates, "max_runtime_seconds": spec.candidates.max_runtime_seconds},
            "inputs": {name: {"s3": one.s3, "type": one.type} for name, one in spec.inputs.items()},
        }
    if isinstance(spec, TransformSpec):
        return {
            "model": {"run": spec.model.run, "s3": spec.model.s3},
            "inputs": {name: {"s3": one.s3, "content_type": one.content_type} for name, one in spec.inputs.items()},
            "output": {"s3": spec.output.s3, "accept": spec.output.accept},
        }
    assert isinstance(spec, ProcessingSpec), spec.kind
    return {
        "arguments": _command(spec)[1:],
        "inputs": {name: {"s3": one.s3, "mode": one.mode} for name, one in spec.inputs.items()},
        "outputs": {name: {"s3": one.s3, "upload": one.upload} for name, one in spec.outputs.items()},
    }


def _plain(value: Any) -> str:
    """A value as the job's file and --set write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
