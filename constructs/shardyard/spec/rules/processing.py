"""Rules about processing jobs: machines, time, images and programs."""

import re
from collections.abc import Iterator

from contract import variables
from shardyard.spec.catalogue.processing_types import PROCESSING_TYPES, PROCESSING_TYPES_DATE
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.requests.processing import container_command, environment
from shardyard.spec.rules.base import Facts, named_types, rule
from shardyard.spec.units import format_duration

API = "CreateProcessingJob, service model of botocore 1.44.8"
MOST_SECONDS = 777_600
"""Nine days: the most that the service's model takes; the quota of an account is five days at first."""
_SHA256 = "0" * 64


@rule(
    "processing-type-exists",
    of=ProcessingSpec,
    reason="SageMaker refuses a type that it does not process on.",
    source=f"{API}: ProcessingInstanceType",
    by_type=True,
)
def processing_type_exists(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """Every instance type of a processing job is one that SageMaker processes on."""
    for where, kind in named_types(spec):
        if kind not in PROCESSING_TYPES:
            message = f"{kind!r} is no processing instance type of {PROCESSING_TYPES_DATE}"
            yield Problem(where, f"{message}; {nearest(kind, PROCESSING_TYPES)}")


@rule(
    "processing-instance-count",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: InstanceCount, at most 100",
)
def processing_instance_count(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job has at most 100 instances."""
    if spec.compute.most_instances > 100:
        yield Problem("compute", f"{spec.compute.most_instances} instances are not allowed (100 or fewer)")


@rule(
    "processing-preferences",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: InstancePreferences has at most 5 items",
)
def processing_preferences(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """The instance preferences of a processing job name at most 5 types, each once."""
    kinds = [one.instance_type for one in spec.compute.preferences]
    if len(kinds) > 5:
        yield Problem("compute.preferences", f"{len(kinds)} are not allowed (5 or fewer)")
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield Problem("compute.preferences", f"{kind} is named twice (each type once)")


@rule(
    "processing-runtime",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: MaxRuntimeInSeconds, at most 777600",
)
def processing_runtime(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job runs for nine days at most."""
    if spec.limits.max_runtime_seconds > MOST_SECONDS:
        message = f"{format_duration(spec.limits.max_runtime_seconds)} is not allowed (9d or less)"
        yield Problem("limits.max_runtime", message)


@rule(
    "processing-image",
    of=ProcessingSpec,
    reason="CreateProcessingJob has no field for it.",
    source=f"{API}: AppSpecification has an image, an entry point and arguments",
)
def processing_image(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job runs an image of ECR, no algorithm and none that needs credentials."""
    for name in ("algorithm", "builtin", "access", "credentials_function"):
        if getattr(spec.image, name) is not None:
            yield Problem(
                f"image.{name}", "it is for training jobs only (remove it; give folder, repository or framework)"
            )


@rule(
    "processing-has-program",
    of=ProcessingSpec,
    reason="The launcher in such an image would have nothing to start.",
    source="Shardyard's container contract",
)
def processing_has_program(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job with an image of containers/ or a Deep Learning Container says what to run."""
    own = spec.image.folder is not None or spec.image.framework is not None
    if own and not spec.image.entrypoint and spec.program is None and spec.spark is None:
        message = 'missing; say what to run: [program] entry = "prepare.py", or [spark] application = "events.py"'
        yield Problem("program", message)


@rule(
    "processing-runs-one-thing",
    of=ProcessingSpec,
    reason="A container has one entry point, and the other would silently not run.",
    source=f"{API}: ContainerEntrypoint",
)
def processing_runs_one_thing(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job has a program, a Spark application, or an entry point of its own, and not two of them."""
    if spec.program is not None and spec.spark is not None:
        yield Problem("spark", "the job has a [program] too (remove one of the two)")
    if spec.image.arguments and (spec.program is not None or spec.spark is not None):
        there = "program.arguments" if spec.program is not None else "spark.arguments"
        yield Problem("image.arguments", f"the launch gives the container its own (write them into {there})")
    if spec.image.entrypoint and (spec.spark is not None or spec.program is not None):
        table = "[spark]" if spec.spark is not None else "[program]"
        yield Problem("image.entrypoint", f"it starts something else than {table} (remove one of the two)")


@rule(
    "processing-script-has-source",
    of=ProcessingSpec,
    reason="A script that is nowhere in the image cannot be found in the container.",
    source="Shardyard's container contract",
)
def processing_script_has_source(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A script, and every Spark application, comes with the folder that holds it."""
    if spec.source is not None:
        return
    if spec.program is not None and spec.program.entry.endswith(".py"):
        message = f"{spec.program.entry} is a script, and no [source] dir holds it (or name a module of the image)"
        yield Problem("program.entry", message)
    if spec.spark is not None:
        yield Problem("spark.application", f"no [source] dir holds {spec.spark.application} (add one)")


@rule(
    "spark-names-inputs",
    of=ProcessingSpec,
    reason="smspark-submit finds no such folder, and the application does not start.",
    source="sagemaker-spark-container, smspark-submit: --py-files, --jars, --files",
)
def spark_names_inputs(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """Python files, jars and files of a Spark application are inputs of the job."""
    if spec.spark is None:
        return
    for key in ("py_files", "jars", "files"):
        for name in getattr(spec.spark, key):
            if name not in spec.inputs:
                yield Problem(f"spark.{key}", f"{name!r} is no input of the job; {nearest(name, tuple(spec.inputs))}")


@rule(
    "spark-main-class",
    of=ProcessingSpec,
    reason="smspark-submit does not know what to start, or starts something else.",
    source="sagemaker-spark-container, smspark-submit: --class is for jars",
)
def spark_main_class(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A Spark application in a jar names its class, and a script names none."""
    if spec.spark is None:
        return
    is_jar = spec.spark.application.endswith(".jar")
    if is_jar and spec.spark.main_class is None:
        yield Problem("spark.main_class", f"missing; say which class of {spec.spark.application} to start")
    if not is_jar and spec.spark.main_class is not None:
        yield Problem("spark.main_class", f"{spec.spark.application} is a script, which has no class (remove it)")


@rule(
    "processing-command-lengths",
    of=ProcessingSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: ContainerEntrypoint and ContainerArguments, at most 100 items of 256 letters, one line each",
)
def processing_command_lengths(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """What a processing container is started with has at most 100 words of one line and 256 letters."""
    bundled = spec if spec.source is None else spec.with_source(_SHA256)
    table = "spark" if spec.spark is not None else "program" if spec.program is not None else "image"
    if spec.spark is not None and spec.source is None:
        return
    for where, words in zip(("entrypoint", "arguments"), container_command(bundled, _SHA256), strict=True):
        place = f"{table}.{where}" if table == "image" or where == "arguments" else table
        if len(words) > 100:
            yield Problem(place, f"it makes {len(words)} words (100 or fewer)")
        for word in words:
            if len(word) > 256 or "\n" in word or "\0" in word:
                yield Problem(
                    place, f"{word[:20]!r}... has {len(word)} letters or a line break (256 or fewer, one line)"
                )


@rule(
    "processing-environment",
    of=ProcessingSpec,
    reason="SageMaker refuses the request, or the launcher's own variables would be overwritten.",
    source=f"{API}: Environment, at most 100 entries, names and values of at most 256 letters",
)
def processing_environment(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job has at most 100 variables, with names and values of at most 256 letters."""
    every = environment(spec, "run")
    count = len(every) + (spec.source is not None and variables.SOURCE_SHA256 not in every)
    if count > 100:
        ours = count - len(spec.environment)
        yield Problem("environment", f"{count} with the {ours} that Shardyard adds are not allowed (100 or fewer)")
    for name, value in spec.environment.items():
        where = f"environment.{name}"
        if name.startswith(variables.PREFIX):
            yield Problem(where, "this variable is set by Shardyard (choose another name)")
        elif re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,255}", name) is None:
            yield Problem(where, f"{name[:40]!r} is not allowed (letters, digits and underscores, 256 at most)")
        if len(value) > 256 or "\0" in value:
            yield Problem(where, f"a value of {len(value)} letters is not allowed (256 or fewer, no NUL)")
    for name, text in spec.secrets.items():
        if len(text) > 256:
            yield Problem(f"secrets.{name}", f"a reference of {len(text)} letters is not allowed (256 or fewer)")


@rule(
    "processing-isolation",
    of=ProcessingSpec,
    reason="An isolated container reaches nothing but its peers, so these would fail inside the job.",
    source=f"{API}: EnableNetworkIsolation",
)
def processing_isolation(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job in network isolation has no secrets, and nothing that its program fetches or sends itself."""
    if not spec.network.isolation:
        return
    if spec.secrets:
        message = "Secrets Manager is reached over the network (remove [secrets], or set it to false)"
        yield Problem("network.isolation", message)
    for table in ("inputs", "outputs"):
        for name, one in getattr(spec, table).items():
            if one.app_managed:
                message = f"the program moves {table}.{name} over the network (app_managed; or set this to false)"
                yield Problem("network.isolation", message)


@rule(
    "processing-secrets-need-the-launcher",
    of=ProcessingSpec,
    reason="Nothing else reads them: the program would find no such variable.",
    source="training/launcher/secrets/ and training/vault.py",
)
def processing_secrets_need_the_launcher(spec: ProcessingSpec, facts: Facts) -> Iterator[Problem]:
    """A processing job with [secrets] is started by Shardyard's launcher."""
    if spec.secrets and (spec.program is None or spec.image.entrypoint):
        yield Problem("secrets", "the launcher reads them for the program that it starts (add [program])")
