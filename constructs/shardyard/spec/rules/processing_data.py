"""Rules about the inputs and outputs of processing jobs."""

import re
from collections.abc import Iterator, Mapping

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.processing.inputs import INPUT_NAME, RESERVED_INPUTS
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.requests.processing import SPARK_EVENTS_OUTPUT, all_outputs
from shardyard.spec.rules.base import GUIDE, Facts, rule
from shardyard.spec.rules.processing import API


@rule(
    "input-count",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: ProcessingInputs, at most 10",
)
def input_count(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job has at most 10 inputs, those that Shardyard adds among them."""
    added = (spec.source is not None) + (spec.image.framework is not None)
    if len(spec.inputs) + added > 10:
        message = f"{len(spec.inputs) + added} with the {added} that Shardyard adds are not allowed (10 or fewer)"
        yield Problem("inputs", message)


@rule(
    "output-count",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: ProcessingOutputs, at most 10",
)
def output_count(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job has at most 10 outputs, Spark's event logs among them."""
    if len(all_outputs(spec)) > 10:
        yield Problem("outputs", f"{len(all_outputs(spec))} are not allowed (10 or fewer)")


@rule(
    "input-names",
    of=ProcessingSpec,
    reason="The name is a folder in the container and part of an address; two of Shardyard's own are taken.",
    source="Shardyard's container contract",
)
def input_names(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """Inputs and outputs have plain names, and none that Shardyard uses itself."""
    taken: Mapping[str, tuple[str, ...]] = {"inputs": RESERVED_INPUTS, "outputs": (SPARK_EVENTS_OUTPUT,)}
    for table, reserved in taken.items():
        for name in getattr(spec, table):
            where = f"{table}.{name}"
            if name in reserved:
                yield Problem(where, "Shardyard uses this name itself (choose another)")
            elif re.fullmatch(INPUT_NAME, name) is None:
                yield Problem(
                    where, f"{name!r} is not allowed (1 to 63 letters, digits and ._-, a letter or digit first)"
                )


@rule(
    "gzip-through-a-pipe",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: S3CompressionType, `Gzip can only be used if Pipe mode is specified`",
)
def gzip_through_a_pipe(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """An input is decompressed only while it is streamed."""
    for name, one in spec.inputs.items():
        if one.compression == "Gzip" and one.mode != "Pipe":
            message = 'Gzip is for mode = "Pipe" only (set it, or decompress in the program)'
            yield Problem(f"inputs.{name}.compression", message)


@rule(
    "query-keys",
    of=ProcessingSpec,
    reason="The service has no such field beside a query, and the value would mean nothing.",
    source=f"{API}: DatasetDefinition has a local path, a distribution and an input mode",
)
def query_keys(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """An input from a query has no type, compression or launch address of its own."""
    for name, one in spec.inputs.items():
        if one.s3 is not None:
            continue
        given = {"type": one.type != "S3Prefix", "compression": one.compression != "None"}
        for key, is_given in {**given, "named_at_launch": one.named_at_launch}.items():
            if is_given:
                yield Problem(f"inputs.{name}.{key}", "it is for inputs in S3 only (remove it)")


@rule(
    "folders-apart",
    of=ProcessingSpec,
    reason="One would hide the other's files, or an input would be uploaded again as an output.",
    source=f"{GUIDE}, build your own processing container: each input and output has its own LocalPath",
)
def folders_apart(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """No two inputs or outputs share a folder in the container, and none lies in another's."""
    taken: dict[str, str] = {}
    if spec.source is not None:
        taken["/opt/ml/processing/input/code"] = "the job's code"
    if spec.image.framework is not None:
        taken["/opt/ml/processing/input/launcher"] = "the launcher"
    named = [(f"inputs.{name}", one.path_of(name)) for name, one in spec.inputs.items()]
    # A feature group gets no folder
    written = {name: one for name, one in all_outputs(spec).items() if one.feature_group is None}
    named += [(f"outputs.{name}", one.path_of(name)) for name, one in written.items()]
    for where, path in named:
        mine = f"{path.rstrip('/')}/"
        for theirs, other in taken.items():
            if mine.startswith(f"{theirs}/") or f"{theirs}/".startswith(mine):
                yield Problem(f"{where}.local_path", f"{path} and the folder of {other}, {theirs}, are not apart")
        taken[mine.rstrip("/")] = where


@rule(
    "output-beside-inputs",
    of=ProcessingSpec,
    reason="The next run would read what this one wrote.",
    source="Shardyard's own rule: a run must not change its own input",
)
def output_beside_inputs(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """No output is written to where an input lies."""
    read = {
        (one.bucket, one.s3): name
        for name, one in spec.inputs.items()
        if one.s3 is not None and not one.named_at_launch
    }
    for name, output in spec.outputs.items():
        for (bucket, place), other in read.items():
            same = output.s3 is not None and (output.s3.startswith("s3://") or bucket == output.bucket)
            if same and str(output.s3).startswith(place):
                yield Problem(f"outputs.{name}.s3", f"{output.s3!r} lies in the input {other} ({place!r})")


@rule(
    "feature-groups-are-written-by-the-program",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: FeatureStoreOutput is `only supported when AppManaged is specified`",
)
def feature_groups_are_written_by_the_program(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """An output to a feature group is one that the program writes itself."""
    for name, one in spec.outputs.items():
        if one.feature_group is not None and not one.app_managed:
            yield Problem(f"outputs.{name}.app_managed", "a feature group is written by the program (set it to true)")


@rule(
    "sharded-inputs-have-enough-objects",
    of=ProcessingSpec,
    reason="An instance without an object has nothing to do, and bills.",
    source=f"{API}: S3DataDistributionType",
)
def sharded_inputs_have_enough_objects(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """An input that is dealt out has at least one object for each instance."""
    for name, one in spec.inputs.items():
        count = None if facts.objects is None else facts.objects.get(name)
        if one.distribution == "ShardedByS3Key" and count is not None and count < spec.compute.most_instances:
            message = (
                f"{count} objects for {spec.compute.most_instances} instances (use fewer instances, or more objects)"
            )
            yield Problem(f"inputs.{name}.distribution", message)


@rule(
    "outputs-have-a-prefix",
    of=ProcessingSpec,
    reason="Files of this job would lie among everything else in the bucket, and its role could write over all of it.",
    source="Shardyard's own rule: outputs have a prefix",
)
def outputs_have_a_prefix(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """An output in S3 has a prefix in its bucket."""
    for name, one in spec.outputs.items():
        if one.s3 is not None and one.s3.startswith("s3://") and not one.s3.removeprefix("s3://").partition("/")[2]:
            yield Problem(
                f"outputs.{name}.s3",
                f"{one.s3!r} is a whole bucket (add a prefix, such as {one.s3.rstrip('/')}/shards/)",
            )
