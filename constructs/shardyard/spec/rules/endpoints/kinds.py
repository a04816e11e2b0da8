"""Rules about the kinds of hosting: what each of them needs, and what it excludes."""

from collections.abc import Iterator

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem
from shardyard.spec.rules.base import GUIDE, Facts, rule

_CONFIG = "CreateEndpointConfig, service model of botocore 1.44.8"
_SERVERLESS = f"{GUIDE}, serverless inference, feature exclusions (public copy of 2023)"


@rule(
    "capacity-of-the-kind",
    reason="SageMaker takes instances or serverless capacity for a variant, and never both.",
    source=f"{_CONFIG}: ProductionVariant",
    of=EndpointSpec,
)
def capacity_of_the_kind(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant of a serverless endpoint has [serverless], and every other one an instance type."""
    for name, one in spec.variants.items():
        where = f"variants.{name}"
        if spec.kind == "serverless":
            if one.serverless is None:
                yield Problem(
                    f"{where}.serverless", "missing; a serverless endpoint's variant says memory and concurrency"
                )
            if one.instance_type is not None:
                yield Problem(f"{where}.instance_type", "a serverless endpoint has no instances (remove it)")
            continue
        if one.serverless is not None:
            yield Problem(
                f"{where}.serverless", f"an endpoint of kind {spec.kind!r} has instances (remove it, or change kind)"
            )
        if one.instance_type is None:
            yield Problem(f"{where}.instance_type", "missing; give an instance type such as ml.m5.large")


@rule(
    "serverless-excludes",
    reason="SageMaker refuses the request, or ignores what was asked for.",
    source=_SERVERLESS,
    of=EndpointSpec,
)
def serverless_excludes(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A serverless endpoint has one variant, no data capture, no isolation, no guarded deployment and no disk."""
    if spec.kind != "serverless":
        return
    if len(spec.variants) > 1:
        yield Problem("variants", f"a serverless endpoint has one variant, and this has {len(spec.variants)}")
    if spec.capture is not None:
        yield Problem("capture", "a serverless endpoint captures no data (remove it)")
    if spec.network.isolation:
        yield Problem("network.isolation", "a serverless endpoint cannot be isolated (set it to false)")
    if spec.deployment.strategy != "all-at-once":
        yield Problem("deployment.strategy", f"{spec.deployment.strategy!r} needs instances (leave it out)")
    if spec.alarms.roll_back or spec.alarms.names:
        yield Problem("alarms", "no alarm rolls a serverless endpoint back (remove latency, errors and names)")
    for name, one in spec.variants.items():
        given = {
            "volume": one.volume_gb is not None,
            "routing": one.routing is not None,
            "startup": one.startup_seconds is not None,
            "download": one.download_seconds is not None,
            "count": one.count != 1,
        }
        for key in [key for key, is_given in given.items() if is_given]:
            yield Problem(f"variants.{name}.{key}", "a serverless variant has none (remove it)")


@rule(
    "provisioned-within-concurrency",
    reason="SageMaker refuses the request.",
    source=f"{_CONFIG}: ProvisionedConcurrency `should be less than or equal to MaxConcurrency`",
    of=EndpointSpec,
)
def provisioned_within_concurrency(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """What is kept warm is no more than what may run at once."""
    for name, one in spec.variants.items():
        if one.serverless is None or one.serverless.provisioned is None:
            continue
        warm, most = one.serverless.provisioned, one.serverless.concurrency
        if warm > most:
            where = f"variants.{name}.serverless.provisioned"
            yield Problem(where, f"{warm} is more than concurrency ({most} or less)")


@rule(
    "queue-is-asynchronous",
    reason="An endpoint with a queue takes asynchronous calls and no others.",
    source=f"{_CONFIG}: AsyncInferenceConfig",
    of=EndpointSpec,
)
def queue_is_asynchronous(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Only an asynchronous endpoint has [asynchronous]."""
    if spec.asynchronous is not None and spec.kind != "asynchronous":
        yield Problem(
            "asynchronous", f'a {spec.kind} endpoint has no queue (write kind = "asynchronous", or remove it)'
        )


@rule(
    "asynchronous-excludes",
    reason="The queue feeds the instances of one variant. That several variants, or data capture, work with a queue is "
    "documented nowhere that we found, so both are refused.",
    source=f"{GUIDE}, asynchronous inference; Model Monitor captures the data of real-time endpoints",
    of=EndpointSpec,
)
def asynchronous_excludes(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """An asynchronous endpoint has one variant, and no data capture."""
    if spec.kind != "asynchronous":
        return
    if len(spec.production) > 1:
        yield Problem("variants", f"an asynchronous endpoint has one variant, and this has {len(spec.production)}")
    if spec.capture is not None:
        yield Problem("capture", "an asynchronous endpoint captures no data: its requests and answers lie in S3")


@rule(
    "multi-model-has-a-prefix",
    reason="SageMaker looks for the model that a request names below that prefix.",
    source=f"{GUIDE}, multi-model endpoints: ModelDataUrl is a prefix",
    of=EndpointSpec,
)
def multi_model_has_a_prefix(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A multi-model endpoint serves the models below one prefix in S3."""
    if spec.kind != "multi-model":
        if not spec.multi_model.cache:
            yield Problem("multi_model", f"an endpoint of kind {spec.kind!r} has one model (remove the table)")
        return
    if not spec.model.is_prefix:
        yield Problem("model", f"{spec.model.said!r} is one model (give s3 a prefix that ends with a slash)")
    for name, one in spec.variants.items():
        if one.model is not None:
            yield Problem(f"variants.{name}.model", "a multi-model endpoint's variants share one prefix (remove it)")


@rule(
    "archive-or-prefix",
    reason="SageMaker unpacks an archive and copies files below a prefix: a serverless endpoint takes archives.",
    source=f"{_CONFIG} and CreateModel: ModelDataSource; not known to work with serverless, so it is refused",
    of=EndpointSpec,
)
def archive_or_prefix(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A serverless endpoint's model is an archive."""
    if spec.kind == "serverless" and any(spec.model_of(name).is_prefix for name in spec.variants):
        yield Problem("model.s3", "a serverless endpoint's model is an archive that ends with .tar.gz")
