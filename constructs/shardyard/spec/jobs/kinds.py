"""The kinds of jobs that a file in jobs/ may define, by the word in its `kind`."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.errors import Problem, nearest, said
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec

KINDS: Mapping[str, type[LaunchedSpec]] = {
    "training": JobSpec,
    "processing": ProcessingSpec,
    "transform": TransformSpec,
    "automl": AutoMLSpec,
}
"""What a file defines; one without `kind` defines a training job."""


def kind_of(raw: Mapping[str, Any]) -> type[LaunchedSpec] | None:
    """The class of a definition; None for a word that is no kind."""
    kind = raw.get("kind", "training")
    return KINDS.get(kind) if isinstance(kind, str) else None


def unknown_kind(where: str, raw: Mapping[str, Any]) -> Problem:
    """What to say of such a word."""
    kind = raw["kind"]
    meant = nearest(kind, tuple(KINDS)) if isinstance(kind, str) else f"one of {', '.join(KINDS)}"
    return Problem(f"{where}kind", f"{said(kind)} is no kind of job; {meant}")


def spec_of(raw: Mapping[str, Any]) -> LaunchedSpec:
    """Read what a definition's `to_dict` wrote."""
    return KINDS[raw.get("kind", "training")].from_dict(raw)
