"""Rules about what transform jobs read and write."""

import re
from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.processing.inputs import INPUT_NAME
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.rules.transform.jobs import API


@rule(
    "one-transform-input",
    of=TransformSpec,
    reason="CreateTransformJob has one TransformInput.",
    source=f"{API}: TransformInput",
)
def one_transform_input(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """A transform job has exactly one input, with a plain name."""
    if len(spec.inputs) != 1:
        found = ", ".join(spec.inputs) if spec.inputs else "none"
        yield Problem("inputs", f"a transform job has exactly one input, and this one has {found}")
    for name in spec.inputs:
        if re.fullmatch(INPUT_NAME, name) is None:
            message = f"{name!r} is not allowed (1 to 63 letters, digits and ._-, a letter or digit first)"
            yield Problem(f"inputs.{name}", message)


@rule(
    "transform-input-is-whole",
    of=TransformSpec,
    reason="A prefix that ends within a name also takes what lies beside the folder, the output of other runs too.",
    source="sagemaker-python-sdk issues 1106 and 3557",
)
def transform_input_is_whole(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """An input's prefix is a folder with its slash, or an object with its extension."""
    for name, one in spec.inputs.items():
        last = one.s3.rpartition("/")[2]
        if one.type == "S3Prefix" and last and "." not in last:
            message = f"{one.s3!r} also takes other names that begin so (end a folder in a slash: {one.s3 + '/'!r})"
            yield Problem(f"inputs.{name}.s3", message)


@rule(
    "transform-places-apart",
    of=TransformSpec,
    reason="The next run would transform what this one wrote.",
    source="sagemaker-python-sdk issue 1106; Shardyard's own rule: a run must not change its own input",
)
def transform_places_apart(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """Neither the output nor what is captured lies in the input."""
    places = {"output.s3": (spec.output.bucket, spec.output.s3)}
    if spec.capture is not None:
        places["capture.s3"] = (spec.capture.bucket, spec.capture.s3)
    for name, one in spec.inputs.items():
        for where, (bucket, place) in places.items():
            same = place is not None and (place.startswith("s3://") or bucket == one.bucket)
            if same and not one.named_at_launch and str(place).startswith(one.s3):
                yield Problem(where, f"{place!r} lies in the input {name} ({one.s3!r})")


@rule(
    "transform-places-have-a-prefix",
    of=TransformSpec,
    reason="Results would lie among everything else in the bucket, and the job's role could write over all of it.",
    source="Shardyard's own rule: outputs have a prefix",
)
def transform_places_have_a_prefix(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """The output and what is captured have a prefix in their bucket."""
    places = {"output.s3": spec.output.s3, "capture.s3": None if spec.capture is None else spec.capture.s3}
    for where, place in places.items():
        if place is not None and place.startswith("s3://") and not place.removeprefix("s3://").partition("/")[2]:
            message = f"{place!r} is a whole bucket (add a prefix, such as {place.rstrip('/')}/predictions/)"
            yield Problem(where, message)


@rule(
    "transform-objects-for-instances",
    of=TransformSpec,
    reason="An instance without an object has nothing to do, and bills: one object is never shared by two.",
    source="SageMaker AI developer guide, batch transform: objects are mapped to instances by key",
)
def transform_objects_for_instances(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """An input has at least one object for each instance."""
    for name in spec.inputs:
        count = None if facts.objects is None else facts.objects.get(name)
        if count is not None and count < spec.compute.most_instances:
            message = f"{count} objects for {spec.compute.most_instances} instances (use fewer, or more objects)"
            yield Problem(f"inputs.{name}", message)


@rule(
    "transform-answers-need-ends",
    of=TransformSpec,
    reason="Answers put end to end without a newline between them cannot be told apart again.",
    source=f"{API}: AssembleWith, `To concatenate the results in binary format, specify None`",
)
def transform_answers_need_ends(spec: TransformSpec, facts: Facts) -> Iterator[Problem]:
    """The answers to lines are assembled as lines."""
    for name, one in spec.inputs.items():
        if one.split == "Line" and spec.output.assemble_with == "None":
            message = f'inputs.{name} is split by lines, and its answers would run together (assemble_with = "Line")'
            yield Problem("output.assemble_with", message)
