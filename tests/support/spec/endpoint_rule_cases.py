"""A good and a bad endpoint for each rule about endpoints, with the exact refusal."""

from typing import Any

from shardyard.spec.rules import Facts
from tests.support.spec.rule_cases import Case

BASE: dict[str, Any] = {
    "name": "digits",
    "model": {"s3": "models/digits/model.tar.gz"},
    "image": {"folder": "pytorch"},
    "variants": {"main": {"instance_type": "ml.m5.large"}},
}
SERVERLESS: dict[str, Any] = {
    "kind": "serverless",
    "variants": {"main": {"instance_type": None, "serverless": {"memory_mb": 2048, "concurrency": 5}}},
}
QUEUE: dict[str, Any] = {"kind": "asynchronous"}
MANY: dict[str, Any] = {"kind": "multi-model", "model": {"s3": "models/segments/"}}
WATCHED = {"alarms": {"errors_5xx_percent": 1}}


def main(**more: Any) -> dict[str, Any]:
    """The variant `main` with more."""
    return {"variants": {"main": more}}


def scaled(**more: Any) -> dict[str, Any]:
    """The variant `main`, which scales."""
    return main(scaling={"most": 3, **more})


def serverless(**more: Any) -> dict[str, Any]:
    """A serverless variant with more."""
    one = SERVERLESS["variants"]["main"]
    return {**SERVERLESS, "variants": {"main": {**one, **more}}}


KINDS = [
    Case(
        rule="capacity-of-the-kind",
        good=SERVERLESS,
        bad=main(instance_type=None),
        says="variants.main.instance_type: missing; give an instance type such as ml.m5.large",
    ),
    Case(
        rule="serverless-excludes",
        good=SERVERLESS,
        bad={**SERVERLESS, "capture": {}},
        says="capture: a serverless endpoint captures no data (remove it)",
    ),
    Case(
        rule="provisioned-within-concurrency",
        good=serverless(serverless={"concurrency": 5, "provisioned": 5}),
        bad=serverless(serverless={"concurrency": 5, "provisioned": 6}),
        says="variants.main.serverless.provisioned: 6 is more than concurrency (5 or less)",
    ),
    Case(
        rule="queue-is-asynchronous",
        good={**QUEUE, "asynchronous": {"concurrency": 2}},
        bad={"asynchronous": {"concurrency": 2}},
        says='asynchronous: a realtime endpoint has no queue (write kind = "asynchronous", or remove it)',
    ),
    Case(
        rule="asynchronous-excludes",
        good={**QUEUE, "alarms": {"backlog": "5m"}},
        bad={**QUEUE, "capture": {}},
        says="capture: an asynchronous endpoint captures no data: its requests and answers lie in S3",
    ),
    Case(
        rule="multi-model-has-a-prefix",
        good={"kind": "multi-model", "model": {"s3": "models/segments/"}},
        bad={"kind": "multi-model", "model": {"s3": None, "run": "mnist-ddp:latest"}},
        says="model: 'run mnist-ddp:latest' is one model (give s3 a prefix that ends with a slash)",
    ),
    Case(
        rule="archive-or-prefix",
        good=SERVERLESS,
        bad={**SERVERLESS, "model": {"s3": "models/digits/"}},
        says="model.s3: a serverless endpoint's model is an archive that ends with .tar.gz",
    ),
]

VARIANTS = [
    Case(
        rule="at-most-ten-variants",
        good={"variants": {f"v{number}": {"instance_type": "ml.m5.large"} for number in range(9)}},
        bad={"variants": {f"v{number}": {"instance_type": "ml.m5.large"} for number in range(10)}},
        says="variants: 11 are not allowed (10 or fewer)",
    ),
    Case(
        rule="some-variant-answers",
        good=main(weight=0.1),
        bad=main(weight=0),
        says="variants: no variant gets a request (one that is no shadow needs a weight above 0)",
    ),
    Case(
        rule="shadow-beside-one",
        good={"variants": {"new": {"instance_type": "ml.m5.large", "shadow": True}}},
        bad={
            "variants": {
                "other": {"instance_type": "ml.m5.large"},
                "new": {"instance_type": "ml.m5.large", "shadow": True},
            }
        },
        says="variants: 1 shadows and 2 other variants are not allowed (one of each)",
    ),
    Case(
        rule="hosting-type",
        good=main(instance_type="ml.c5.xlarge"),
        bad=main(instance_type="ml.m5.huge"),
        says="variants.main.instance_type: no endpoint has 'ml.m5.huge' (as of 2026-11-30); "
        "did you mean 'ml.m5.large'?",
    ),
    Case(
        rule="volume-of-the-type",
        good=main(volume=100),
        bad=main(instance_type="ml.g4dn.xlarge", volume=100),
        says="variants.main.volume: ml.g4dn.xlarge brings its own disk (remove the volume)",
    ),
]

CONTAINERS = [
    Case(
        rule="known-inference-container",
        good={"image": {"folder": None, "framework": "pytorch", "version": "2.6"}},
        bad={"image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        says="image.version: pytorch 2.13 is not on the list of 2026-11-30 "
        "(one of 2.5, 2.6; or a folder of containers/)",
    ),
]

BUILT_IN = [
    Case(
        rule="builtin-is-served",
        good={"image": {"folder": None, "builtin": "xgboost", "version": "1.7-1"}},
        bad={"image": {"folder": None, "builtin": "kmeans", "version": "2"}},
        says="image.version: kmeans 2 is not on the list of 2026-11-30 (1)",
    ),
    Case(
        rule="builtin-is-served",
        good={**MANY, "image": {"folder": None, "builtin": "linear-learner"}},
        bad={**MANY, "image": {"folder": None, "builtin": "deepar"}},
        says="image.builtin: deepar does not load many models (xgboost, linear-learner)",
    ),
    Case(
        rule="known-inference-container",
        bad={"image": {"folder": None, "builtin": "kmeans"}, **main(instance_type="ml.trn1.2xlarge")},
        says="variants.main.instance_type: ml.trn1.2xlarge does not run AWS's container of kmeans (take one of x86_64)",
    ),
]

SCALING = [
    Case(
        rule="target-of-the-kind",
        good={**QUEUE, **scaled(backlog=5)},
        bad={**QUEUE, **scaled(invocations=100)},
        says="variants.main.scaling.invocations: no such metric is published for kind 'asynchronous' (one of backlog)",
    ),
    Case(
        rule="zero-only-asynchronous",
        good={**QUEUE, **scaled(backlog=5, least=0)},
        bad=scaled(invocations=100, least=0),
        says="variants.main.scaling.least: a realtime endpoint keeps one at least (1 or more)",
    ),
    Case(
        rule="wakes-from-zero",
        good={**QUEUE, **scaled(backlog=5, least=0)},
        bad={
            **QUEUE,
            **scaled(least=0, steps={"metric": "cpu", "threshold": 80, "changes": [{"beyond": 0, "add": 1}]}),
        },
        says="variants.main.scaling.backlog: missing; what scales to zero tracks its backlog, such as 5",
    ),
    Case(
        rule="count-within-scaling",
        good=main(count=3, scaling={"most": 3, "invocations": 100}),
        bad=main(count=4, scaling={"most": 3, "invocations": 100}),
        says="variants.main.count: 4 is not allowed (1 to 3, as [variants.main.scaling] says)",
    ),
    Case(
        rule="burstable-does-not-scale",
        good=scaled(invocations=100),
        bad=main(instance_type="ml.t2.medium", scaling={"most": 3, "invocations": 100}),
        says="variants.main.instance_type: 'ml.t2.medium' is burstable and cannot be scaled well "
        "(take another, such as ml.m5.large)",
    ),
    Case(
        rule="steps-of-the-kind",
        good=scaled(steps={"metric": "cpu", "threshold": 80, "changes": [{"beyond": 0, "add": 1}]}),
        bad=scaled(steps={"metric": "backlog", "threshold": 80, "changes": [{"beyond": 0, "add": 1}]}),
        says="variants.main.scaling.steps.metric: a realtime endpoint has no queue (one of invocations, cpu, gpu)",
    ),
]

ROLLOUT = [
    Case(
        rule="deployment-watches-alarms",
        good={"deployment": {"strategy": "canary"}, **WATCHED},
        bad={"deployment": {"strategy": "canary"}},
        says="alarms: a canary deployment needs one that rolls back (latency_p99_ms, errors_5xx_percent or names)",
    ),
    Case(
        rule="alarms-fit-the-bake",
        good={"deployment": {"bake": "5m"}, "alarms": {"errors_5xx_percent": 1, "evaluations": 5}},
        bad={"deployment": {"bake": "5m"}, "alarms": {"errors_5xx_percent": 1, "evaluations": 6}},
        says="alarms.evaluations: 6 x 1m = 6m is more than deployment.bake (5m or less)",
    ),
    Case(
        rule="at-most-ten-alarms",
        good={"alarms": {"names": [f"alarm-{number}" for number in range(10)]}},
        bad={"alarms": {"names": [f"alarm-{number}" for number in range(10)], "errors_5xx_percent": 1}},
        says="alarms: 11 roll back, of all variants (10 or fewer)",
    ),
    Case(
        rule="alarms-of-the-kind",
        good={**QUEUE, "alarms": {"backlog": "5m"}},
        bad={"alarms": {"backlog": "5m"}},
        says="alarms.backlog: a realtime endpoint has no queue (remove it)",
    ),
    Case(
        rule="step-of-the-strategy",
        good={"deployment": {"strategy": "linear", "step_percent": 10}, **WATCHED},
        bad={"deployment": {"strategy": "linear", "step_percent": 5, "bake": "1m"}, **WATCHED},
        says="deployment.step_percent: 5 is not allowed for linear (10 to 50)",
    ),
    Case(
        rule="bakes-fit-the-timeout",
        good={"deployment": {"strategy": "linear", "bake": "6m"}, **WATCHED},
        bad={"deployment": {"strategy": "linear", "bake": "6m", "keep_old": "10m"}, **WATCHED},
        says="deployment.timeout: 10 x 6m, and the old fleet 10m more, take 1h10m (give that, or more)",
    ),
    Case(
        rule="no-guardrails-on-inferentia-one",
        good=main(instance_type="ml.inf1.xlarge"),
        bad={**main(instance_type="ml.inf1.xlarge"), **WATCHED},
        says="variants.main.instance_type: ml.inf1.xlarge has no guarded deployments "
        "(take another type, or leave out what rolls back)",
    ),
]

PLACES = [
    Case(
        rule="region-has-hosting",
        bad={},
        facts=Facts(region="us-gov-east-1"),
        good_facts=Facts(region="eu-west-3"),
        says="us-gov-east-1 has no endpoints, as of 2026-11-30 (choose another region)",
    ),
    Case(
        rule="endpoint-variables",
        good={"environment": {"MODEL_TOKENS": "12"}},
        bad={"environment": {"API_KEY": "abcdefgh12345678"}},
        says="environment.API_KEY: looks like a secret, and everyone could read it (let the code fetch it)",
    ),
    Case(
        rule="endpoint-variable-limits",
        good={"environment": {"A1": "x" * 1024}},
        bad={"environment": {"A 1": "x"}},
        says="environment.A 1: 'A 1' is not allowed (letters, digits and underscores, no digit first)",
    ),
    Case(
        rule="endpoint-variables-of-ours",
        good={"environment": {"SHARDYARD_SERVING_BATCH": "16", "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}},
        bad={"environment": {"SHARDYARD_SERVING_BATCH": "many"}},
        says="environment.SHARDYARD_SERVING_BATCH: 'many' is not allowed (a whole number from 1 to 256)",
    ),
    Case(
        rule="month-within-the-cap",
        good={"cost": {"cap_usd": 84}},
        bad={"cost": {"cap_usd": 83}},
        says="cost.cap_usd: 83 is less than a month may cost (83.95 USD, all scaled out)",
    ),
]

CASES = [*KINDS, *VARIANTS, *CONTAINERS, *BUILT_IN, *SCALING, *ROLLOUT, *PLACES]
