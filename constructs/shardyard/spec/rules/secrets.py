"""Rules about secrets: where they may stand, and what reads them. No message repeats a value."""

import re
from collections.abc import Iterator, Mapping, Sequence

from contract import secrets, variables
from contract.hyperparameters import Scalar, encode
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.open_secrets import is_open_secret, open_arguments
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.rules.base import API, Facts, rule

_WHERE = "it stands in the template, the request and the receipt for everyone to read"
_WAY = (
    "put it into Secrets Manager (yard secret set NAME) and name it in [secrets]; "
    "if it is no secret, name it in not_secret"
)


@rule(
    "secret-references",
    reason="The launcher would find nothing to read, or the value itself would stand in the request.",
    source="contract/secrets.py; Secrets Manager, CreateSecret: names",
    of=LaunchedSpec,
)
def secret_references(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """[secrets] gives variables references to secrets, `secret:NAME` or `secret:NAME#KEY`, and never a value."""
    for name, text in spec.secrets.items():
        where = f"secrets.{name}"
        if name.startswith(variables.PREFIX) or name in ("TRAINING_JOB_NAME", "TRAINING_JOB_ARN"):
            yield Problem(where, "this variable is set by Shardyard or SageMaker (choose another name)")
        elif re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,255}", name) is None:
            yield Problem(where, f"{name!r} is not allowed (letters, digits and underscores, no digit first)")
        if name in spec.environment:
            yield Problem(where, "[environment] sets it too (remove one)")
        try:
            secrets.parse(text)
        except ValueError as error:
            yield Problem(where, str(error))


@rule(
    "secrets-need-the-launcher",
    reason="Nothing else reads them: the program would find no such variable.",
    source="training/launcher/secrets/ and training/vault.py",
)
def secrets_need_the_launcher(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job with [secrets] is started by Shardyard's launcher."""
    if not spec.secrets:
        return
    if spec.image.algorithm is not None:
        yield Problem("secrets", f"the algorithm {spec.image.algorithm} is not started by the launcher (remove them)")
    elif spec.image.entrypoint:
        yield Problem("secrets", "image.entrypoint starts something else than the launcher (remove one of them)")
    elif spec.program is None:
        yield Problem("secrets", "the launcher reads them for the program that it starts (add [program])")


@rule(
    "no-secret-in-the-open",
    reason="Templates, requests, logs of executions and receipts are read by many, and kept.",
    source=f"{API}: DescribeTrainingJob returns Environment and HyperParameters as they were given",
    of=LaunchedSpec,
)
def no_secret_in_the_open(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """Variables, hyperparameters and arguments hold no keys, tokens or passwords."""
    tables = {
        "environment": spec.environment,
        "hyperparameters": {name: encode(value) for name, value in _hyperparameters(spec).items()},
    }
    for table, values in tables.items():
        for name, value in values.items():
            if name not in spec.not_secret and is_open_secret(name, value.strip('"')):
                yield Problem(f"{table}.{name}", f"it looks like a secret, and {_WHERE}: {_WAY}")
    for where, given in (*_words(spec), ("image.arguments", spec.image.arguments)):
        for name in open_arguments(given):
            if name.lstrip("-") not in spec.not_secret:
                yield Problem(where, f"the value of {name} looks like a secret, and {_WHERE}: {_WAY}")


def _hyperparameters(spec: LaunchedSpec) -> Mapping[str, Scalar]:
    return spec.hyperparameters if isinstance(spec, JobSpec) else {}


def _words(spec: LaunchedSpec) -> Iterator[tuple[str, Sequence[str]]]:
    """What stands in the open as words, by its place."""
    if isinstance(spec, JobSpec | ProcessingSpec) and spec.program is not None:
        yield "program.arguments", spec.program.arguments
    if isinstance(spec, ProcessingSpec) and spec.spark is not None:
        yield "spark.arguments", spec.spark.arguments
