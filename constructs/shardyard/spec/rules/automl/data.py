"""Rules about what an AutoML job reads."""

from collections.abc import Iterator, Mapping

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import TRAINING, VALIDATION, AutoMLSpec
from shardyard.spec.jobs.automl.data import CSV
from shardyard.spec.requests.automl import content_type
from shardyard.spec.rules.automl.jobs import API
from shardyard.spec.rules.base import Facts, rule

PARQUET = "x-application/vnd.amazon+parquet"
CONTENT_TYPES: Mapping[str, tuple[str, ...]] = {
    "tabular": (CSV, PARQUET),
    "text_classification": (CSV, PARQUET),
    "image_classification": ("image/png", "image/jpeg", "image/*"),
    "forecasting": (CSV, PARQUET),
}
DATA_TYPES: Mapping[str, tuple[str, ...]] = {
    "tabular": ("S3Prefix", "ManifestFile"),
    "text_classification": ("S3Prefix",),
    "image_classification": ("S3Prefix", "ManifestFile", "AugmentedManifestFile"),
    "forecasting": ("S3Prefix",),
}


@rule(
    "automl-channels",
    of=AutoMLSpec,
    reason="SageMaker knows these channels alone.",
    source=f"{API}: ChannelType; forecasting has the type training by default, and splits its data itself",
)
def automl_channels(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An AutoML job reads `training`, and `validation` where there is one; a forecast has only the first."""
    if TRAINING not in spec.inputs:
        yield Problem("inputs", f"there is no [inputs.{TRAINING}] (add it)")
    known = (TRAINING,) if spec.problem == "forecasting" else (TRAINING, VALIDATION)
    for name in spec.inputs:
        if name not in known:
            yield Problem(f"inputs.{name}", f"no such channel for {spec.problem} (one of {', '.join(known)})")


@rule(
    "automl-content-types",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: AutoMLJobChannel, ContentType, for each problem",
)
def automl_content_types(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """The inputs are of a type that the problem reads, and both of the same."""
    allowed = CONTENT_TYPES[spec.problem]
    for name, one in spec.inputs.items():
        if content_type(spec, one) not in allowed:
            message = f"{content_type(spec, one)!r} is not read for {spec.problem} (one of {', '.join(allowed)})"
            yield Problem(f"inputs.{name}.content_type", message)
    kinds = {name: content_type(spec, one) for name, one in spec.inputs.items()}
    if len(set(kinds.values())) > 1:
        said = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        yield Problem("inputs", f"all inputs have one type, and these differ: {said} (set content_type alike)")


@rule(
    "automl-data-types",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: AutoMLJobInputDataConfig, `The supported formats depend on the problem type`",
)
def automl_data_types(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An input names a prefix or a list, as the problem takes it."""
    allowed = DATA_TYPES[spec.problem]
    for name, one in spec.inputs.items():
        if one.type not in allowed:
            yield Problem(f"inputs.{name}.type", f"{one.type} is not read for {spec.problem} ({', '.join(allowed)})")


@rule(
    "automl-compression",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: CompressionType, `We allow the compression type Gzip for S3Prefix inputs on tabular data only`",
)
def automl_compression(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Only tables under a prefix may be compressed."""
    for name, one in spec.inputs.items():
        if one.compression == "Gzip" and (spec.problem != "tabular" or one.type != "S3Prefix"):
            message = f"a {one.type} for {spec.problem} cannot be compressed (decompress it, and remove this)"
            yield Problem(f"inputs.{name}.compression", message)


@rule(
    "automl-split",
    of=AutoMLSpec,
    reason="SageMaker refuses it for forecasts, and an input of its own leaves nothing to split.",
    source=f"{API}: DataSplitConfig, `must not be set for the time-series forecasting problem type`",
)
def automl_split(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Training data are split where there is no input `validation`, and never for a forecast."""
    if spec.validation_fraction is None:
        return
    if spec.problem == "forecasting":
        yield Problem("validation_fraction", "a forecast splits its data itself (remove it)")
    elif VALIDATION in spec.inputs:
        yield Problem("validation_fraction", f"candidates are judged by inputs.{VALIDATION} (remove one of them)")


@rule(
    "automl-input-is-whole",
    of=AutoMLSpec,
    reason="S3 compares letters, not folders: data of others would be learnt too.",
    source=f"{API}: AutoMLS3DataSource, `all objects that match the specified key name prefix`",
)
def automl_input_is_whole(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An input is a folder with its slash, or one object."""
    for name, one in spec.inputs.items():
        last = one.s3.removeprefix("s3://").rpartition("/")[2]
        if one.type == "S3Prefix" and last and "." not in last:
            message = f"{one.s3!r} also takes other names that begin so (end a folder in a slash: {one.s3 + '/'!r})"
            yield Problem(f"inputs.{name}.s3", message)
