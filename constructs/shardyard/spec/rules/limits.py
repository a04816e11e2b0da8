"""Rules about numbers and lengths that the service counts."""

import json
import re
import unicodedata
from collections.abc import Iterator

from contract import variables
from contract.hyperparameters import encode
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.metrics import MOST_METRICS
from shardyard.spec.names import STACK_TAG
from shardyard.spec.requests.deployment import OUR_TAGS, Deployment
from shardyard.spec.requests.sfn_fields import STEP_FUNCTIONS_TAG, unknown_to_step_functions
from shardyard.spec.requests.training import environment, to_request
from shardyard.spec.rules.base import API, Facts, rule

_MOST_STATE_BYTES = 150_000
"""What is left of a state's 256 KB for values, beside the request's other fields, the data and the attempts."""
_LINE_BREAKS = "\n\r\u0085\u2028\u2029"
"""What a dot does not match in the service's regular expressions, which are Java's."""
_NUL = "a NUL letter is not allowed: no program can be given one"


@rule("hyperparameter-count", reason="SageMaker refuses the request.", source=f"{API}: HyperParameters, at most 100")
def hyperparameter_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 100 hyperparameters."""
    if len(spec.hyperparameters) > 100:
        yield Problem("hyperparameters", f"{len(spec.hyperparameters)} are not allowed (100 or fewer)")


@rule(
    "hyperparameter-lengths",
    reason="SageMaker refuses the request.",
    source=f"{API}: keys of 1 to 256 and values of at most 2500 letters (its text still says 256)",
)
def hyperparameter_lengths(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A hyperparameter's name has at most 256 letters and its value 2500, none of them NUL."""
    for name, value in spec.hyperparameters.items():
        where = f"hyperparameters.{name}"
        if not 1 <= len(name) <= 256:
            yield Problem(where, f"a name of {len(name)} letters is not allowed (1 to 256)")
        if len(encode(value)) > 2500:
            yield Problem(where, f"a value of {len(encode(value))} letters is not allowed (2500 or fewer)")
        if "\0" in name or "\0" in encode(value):
            yield Problem(where, _NUL)


@rule(
    "hyperparameter-lines",
    reason="SageMaker refuses the request.",
    source=f"{API}: HyperParameterKey and HyperParameterValue, pattern `.*`, which ends at a line break",
)
def hyperparameter_lines(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A hyperparameter's name and value are one line each."""
    for name, value in spec.hyperparameters.items():
        if any(letter in _LINE_BREAKS for letter in name + encode(value)):
            message = "a line break is not allowed (put the text into a file of a channel)"
            yield Problem(f"hyperparameters.{name}", message)


@rule(
    "hyperparameter-names",
    reason="It becomes an argument and the variable SM_HP_<name>, which an equals sign would end; the job fails.",
    source="training.launcher.program, which refuses it in the container",
)
def hyperparameter_names(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """No hyperparameter has an equals sign in its name."""
    for name in spec.hyperparameters:
        if "=" in name:
            yield Problem(f"hyperparameters.{name}", "an equals sign is not allowed in a name")


@rule("environment-count", reason="SageMaker refuses the request.", source=f"{API}: Environment, at most 100")
def environment_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 100 environment variables, those that Shardyard adds among them."""
    count = len(environment(spec, "run", checkpoints="s3://" if spec.checkpoints.enabled else None))
    if count > 100:
        ours = count - len(spec.environment)
        yield Problem("environment", f"{count} with the {ours} that Shardyard adds are not allowed (100 or fewer)")


@rule(
    "environment-names",
    reason="SageMaker refuses other names, and the launcher's own variables must not be overwritten.",
    source=f"{API}: Environment, names of at most 512 letters, values of at most 512",
)
def environment_names(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A variable has a name that the service allows, not one of Shardyard's, and a value of at most 512 letters."""
    for name, value in spec.environment.items():
        where = f"environment.{name}"
        if name.startswith(variables.PREFIX) or name in ("TRAINING_JOB_NAME", "TRAINING_JOB_ARN"):
            yield Problem(where, "this variable is set by Shardyard or SageMaker (choose another name)")
        elif re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,511}", name) is None:
            yield Problem(where, f"{name!r} is not allowed (letters, digits and underscores, no digit first)")
        if len(value) > 512:
            yield Problem(where, f"a value of {len(value)} letters is not allowed (512 or fewer)")
        if "\0" in value:
            yield Problem(where, _NUL)


@rule("channel-count", reason="SageMaker refuses the request.", source=f"{API}: InputDataConfig, at most 20")
def channel_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 20 channels, those that Shardyard adds among them."""
    added = (spec.source is not None) + (spec.image.framework is not None)
    if len(spec.channels) + added > 20:
        message = f"{len(spec.channels) + added} with the {added} that Shardyard adds are not allowed (20 or fewer)"
        yield Problem("channels", message)


@rule("metric-count", reason="SageMaker refuses the request.", source=f"{API}: MetricDefinitions, at most 40")
def metric_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 40 metrics of its own; the standard ones take the room that is left."""
    if len(spec.metrics) > MOST_METRICS:
        yield Problem("metrics", f"{len(spec.metrics)} are not allowed ({MOST_METRICS} or fewer)")


@rule(
    "metric-patterns",
    reason="A metric whose pattern has no group never shows a number; two of one name mix.",
    source=f"{API}: MetricDefinition; the group is the number",
)
def metric_patterns(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A metric is given once, with a pattern of exactly one group; one of a standard name takes its place."""
    names = [metric.name for metric in spec.metrics]
    for number, metric in enumerate(spec.metrics):
        where = f"metrics[{number}]"
        if names.count(metric.name) > 1:
            yield Problem(f"{where}.name", f"{metric.name!r} is given twice (choose another)")
        try:
            groups = re.compile(metric.regex).groups
        except re.error as error:
            yield Problem(f"{where}.regex", f"{metric.regex!r} is no regular expression: {error}")
        else:
            if groups != 1:
                yield Problem(f"{where}.regex", f"{metric.regex!r} has {groups} groups (exactly one, the number)")


@rule(
    "tag-limits",
    reason="SageMaker refuses the request.",
    source=f"{API}: Tags, at most 50, keys of 1 to 128 and values of at most 256 letters; TagKey and TagValue, pattern",
    of=LaunchedSpec | EndpointSpec,
)
def tag_limits(spec: LaunchedSpec | EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A job or an endpoint has at most 40 tags of its own, with keys and values that the service takes."""
    if len(spec.tags) > 40:
        yield Problem("tags", f"{len(spec.tags)} are not allowed (40 or fewer, the project has its own)")
    for key, value in spec.tags.items():
        where = f"tags.{key}"
        if key in (*OUR_TAGS, STACK_TAG) or key.lower().startswith("aws:"):
            yield Problem(where, "this tag is set by Shardyard or AWS (choose another key)")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            yield Problem(where, "a key has 1 to 128 letters and a value at most 256")
        odd = next((letter for letter in key + value if not _in_tags(letter)), None)
        if odd is not None:
            yield Problem(where, f"{odd!r} is not allowed (letters, digits, blanks and _.:/=+-@)")


def _in_tags(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LNZ" or letter in "_.:/=+-@"


@rule(
    "tag-count",
    reason="SageMaker refuses the request.",
    source=f"{API}: Tags, at most 50; Step Functions adds {STEP_FUNCTIONS_TAG} to a job that it creates",
)
def tag_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A training job has at most 50 tags, those of the project, the launch and Step Functions among them."""
    if facts.project_tags is None:
        return
    added = {*facts.project_tags, *OUR_TAGS}
    if _created_by_step_functions(spec):
        added.add(STEP_FUNCTIONS_TAG)
    total = len({*spec.tags, *added})
    if total > 50:
        message = f"{total} with the {len(added)} of the project and the launch are not allowed (50 or fewer)"
        yield Problem("tags", f"{message}; remove some here, or from the setting `tags`")


def _created_by_step_functions(spec: JobSpec) -> bool:
    """Whether the job takes the first path: a deploy adds no field to a request that decides it."""
    bundled = spec if spec.source is None else spec.with_source("0" * 64)
    anywhere = Deployment(
        project="", stage="", data_bucket="", artifact_bucket="", role_arn="", image_uri="", launcher_sha256="0" * 64
    )
    return not unknown_to_step_functions(to_request(bundled, anywhere, job_name="", run_id=""))


@rule(
    "fits-the-state",
    reason="Step Functions ends such an execution without a word: a state holds at most 256 KB.",
    source="AWS Step Functions developer guide, quotas: 256 KiB as UTF-8 for the input or the result of a state",
)
def fits_the_state(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The hyperparameters and variables fit into an execution's state, once for each fallback."""
    tables = (spec.hyperparameters, spec.environment, *(one.hyperparameters for one in spec.compute.fallback))
    largest = sum(len(json.dumps(table, ensure_ascii=False).encode()) for table in tables)
    # The request has them, the record of who said what has them, and each fallback has its own.
    copies = 2 + (len(spec.compute.fallback) + 1 if spec.compute.fallback else 0)
    if largest * copies > _MOST_STATE_BYTES:
        room = _MOST_STATE_BYTES // copies
        message = f"with the environment {largest} bytes are not allowed ({room} or fewer, kept {copies} times)"
        yield Problem("hyperparameters", f"{message}; put large values into a file of a channel")


@rule(
    "command-lengths",
    reason="SageMaker refuses the request.",
    source=f"{API}: ContainerEntrypoint and ContainerArguments, at most 100 items of 256 letters",
)
def command_lengths(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """An image's entry point and its arguments are short enough for the service."""
    for name in ("entrypoint", "arguments"):
        parts = getattr(spec.image, name)
        if len(parts) > 100 or any(len(part) > 256 for part in parts):
            yield Problem(f"image.{name}", "it has more than 100 parts, or one of more than 256 letters")
