"""Rules about transform jobs of a built-in algorithm's model."""

from collections.abc import Iterator

from shardyard.spec.catalogue.builtin import builtin_of, unknown_version
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.transform.formats import media_type

_PAGES = "constructs/shardyard/spec/catalogue/data/builtin.json, dated, with the pages of the developer guide"


@rule(
    "transform-builtin",
    of=TransformSpec,
    reason="The algorithm refuses the first request, minutes after the start.",
    source=_PAGES,
)
def transform_builtin(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm gets records that it reads, as many at a time as it takes, for answers that it writes."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    said = unknown_version(algorithm, spec.image.version)
    if said is not None:
        yield Problem("image.version", said)
    for name, one in spec.inputs.items():
        kind = media_type(one.content_type)
        if kind not in algorithm.requests:
            message = f"{algorithm.name} does not read {kind} ({', '.join(algorithm.requests)})"
            yield Problem(f"inputs.{name}.content_type", message)
        if algorithm.record_by_record and one.split != "Line":
            yield Problem(f"inputs.{name}.split", f"{algorithm.name} takes one record in a request (Line)")
    accept = None if spec.output.accept is None else media_type(spec.output.accept)
    if accept is not None and accept not in algorithm.answers:
        yield Problem("output.accept", f"{algorithm.name} does not write {accept} ({', '.join(algorithm.answers)})")
    if algorithm.record_by_record and spec.batching.strategy != "SingleRecord":
        message = f"{algorithm.name} fails at a request of several records (SingleRecord)"
        yield Problem("batching.strategy", message)
