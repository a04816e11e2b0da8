"""A good and a bad job for each rule about time, instances and data, with the exact refusal."""

from dataclasses import dataclass, field
from typing import Any

from shardyard.spec.rules import Facts

PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
MLFLOW = {"resource_arn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app"}
GPT = {"entry": "training.pytorch.programs.gpt"}
LUSTRE = {"file_system": {"id": "fs-01234567", "path": "/abc"}}


@dataclass(frozen=True, kw_only=True)
class Case:
    rule: str
    says: str
    bad: dict[str, Any]
    good: dict[str, Any] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    good_facts: Facts | None = None
    """What is known of the good one, if the facts alone make the bad one bad."""


def groups(*kinds: str, **more: Any) -> dict[str, Any]:
    made = [{"name": f"g{number}", "instance_type": kind} for number, kind in enumerate(kinds)]
    return {"instance_type": None, "groups": made, **more}


def preferences(*kinds: str, **more: Any) -> dict[str, Any]:
    return {"instance_type": None, "preferences": [{"instance_type": kind} for kind in kinds], **more}


def p4d(count: int = 1, **more: Any) -> dict[str, Any]:
    return {"instance_type": "ml.p4d.24xlarge", "count": count, **more}


TIMES = [
    Case(
        rule="max-wait-covers-max-runtime",
        good={
            "spot": {"enabled": True, "max_wait": "2h"},
            "checkpoints": {"enabled": True},
            "limits": {"max_runtime": "2h"},
        },
        bad={
            "spot": {"enabled": True, "max_wait": "1h"},
            "checkpoints": {"enabled": True},
            "limits": {"max_runtime": "2h"},
        },
        says="spot.max_wait: 1h is less than limits.max_runtime (2h or more)",
    ),
    Case(
        rule="spot-gives-up-within-max-wait",
        good={"spot": {"enabled": True, "max_wait": "2d", "give_up": "2d"}, "checkpoints": {"enabled": True}},
        bad={"spot": {"enabled": True, "max_wait": "2d", "give_up": "3d"}, "checkpoints": {"enabled": True}},
        says="spot.give_up: 3d is more than spot.max_wait (2d or less)",
    ),
    Case(
        rule="spot-with-fallbacks-gives-up",
        good={
            "spot": {"enabled": True, "give_up": "30m"},
            "checkpoints": {"enabled": True},
            "compute": {"fallback": [{"instance_type": "ml.g5.xlarge", "on_demand": True}]},
        },
        bad={
            "spot": {"enabled": True},
            "checkpoints": {"enabled": True},
            "compute": {"fallback": [{"instance_type": "ml.g6.xlarge"}]},
        },
        says="spot.give_up: the first fallback would be tried after spot.max_wait (2d); say how long to wait for spot "
        'capacity, such as "30m"',
    ),
    Case(
        rule="spot-keeps-checkpoints",
        good={"spot": {"enabled": True}, "checkpoints": {"enabled": True}},
        bad={"spot": {"enabled": True}},
        says="checkpoints.enabled: a spot job without checkpoints loses all its work when it is interrupted "
        "(set it to true)",
    ),
    Case(
        rule="spot-excludes-warm-pool",
        good={"compute": {"keep_alive": "10m"}},
        bad={"spot": {"enabled": True}, "checkpoints": {"enabled": True}, "compute": {"keep_alive": "10m"}},
        says="compute.keep_alive: a warm pool cannot be kept on spot instances (remove one of the two)",
    ),
    Case(
        rule="groups-exclude-warm-pool",
        good={"compute": groups("ml.g5.xlarge", "ml.g6.xlarge")},
        bad={"compute": groups("ml.g5.xlarge", "ml.g6.xlarge", keep_alive="10m")},
        says="compute.keep_alive: a warm pool cannot be kept of instance groups (remove one of the two)",
    ),
    Case(
        rule="warm-pool-within-an-hour",
        good={"compute": {"keep_alive": "1h"}},
        bad={"compute": {"keep_alive": "2h"}},
        says="compute.keep_alive: 2h is not allowed (1h or less: the developer guide allows no more, though the API's "
        "model takes 6h)",
    ),
    Case(
        rule="warm-pool-within-28-days",
        good={"compute": {"keep_alive": "1h"}, "limits": {"max_runtime": "27d"}},
        bad={"compute": {"keep_alive": "1h"}, "limits": {"max_runtime": "28d"}},
        says="compute.keep_alive: with limits.max_runtime it makes 28d1h (28d together, or less)",
    ),
    Case(
        rule="spot-excludes-preferences",
        good={"compute": preferences("ml.g5.xlarge", "ml.g6.xlarge")},
        bad={
            "spot": {"enabled": True},
            "checkpoints": {"enabled": True},
            "compute": preferences("ml.g5.xlarge", "ml.g6.xlarge"),
        },
        says="spot.enabled: instance preferences exclude spot "
        "(set it to false, or list the types under compute.fallback)",
    ),
    Case(
        rule="spot-excludes-training-plan",
        good={"compute": p4d(training_plan=PLAN)},
        bad={"spot": {"enabled": True}, "checkpoints": {"enabled": True}, "compute": p4d(training_plan=PLAN)},
        says="spot.enabled: a training plan is reserved capacity, not spot (remove one of the two)",
    ),
    Case(
        rule="queue-waits-rise",
        good={"queue": {"first_wait": "15m"}},
        bad={"queue": {"first_wait": "20m"}},
        says="queue.first_wait: 20m is not allowed (15m or less, as queue.longest_wait says)",
    ),
]

MACHINES = [
    Case(
        rule="instance-type-exists",
        good={"compute": {"instance_type": "ml.g5.2xlarge"}},
        bad={"compute": {"instance_type": "ml.g5.3xlarge"}},
        says="compute.instance_type: 'ml.g5.3xlarge' is no training instance type of the catalogue of 2026-11-21; "
        "did you mean 'ml.g5.xlarge'?",
    ),
    Case(
        rule="priced-type-exists",
        good={"cost": {"hourly_usd": {"ml.p5en.48xlarge": 60}}},
        bad={"cost": {"hourly_usd": {"p5en.48xlarge": 60}}},
        says="cost.hourly_usd.p5en.48xlarge: unknown instance type; did you mean 'ml.p5en.48xlarge'?",
    ),
    Case(
        rule="instance-count",
        good={"compute": {"instance_type": "ml.g5.xlarge", "count": 9999}},
        bad={"compute": {"instance_type": "ml.g5.xlarge", "count": 10000}},
        says="compute: 10000 instances are not allowed (9999 or fewer)",
    ),
    Case(
        rule="group-count",
        good={"compute": groups(*["ml.g5.xlarge"] * 5)},
        bad={"compute": groups(*["ml.g5.xlarge"] * 6)},
        says="compute.groups: 6 are not allowed (5 or fewer)",
    ),
    Case(
        rule="preference-list",
        good={"compute": preferences("ml.g5.xlarge", "ml.g6.xlarge")},
        bad={"compute": preferences("ml.g5.xlarge", "ml.g5.xlarge")},
        says="compute.preferences: ml.g5.xlarge is named twice (each type once)",
    ),
    Case(
        rule="fallback-list",
        good={
            "compute": {
                "fallback": [
                    {"instance_type": "ml.g6.xlarge"},
                    {"instance_type": "ml.g6.xlarge", "count": 2},
                    {"instance_type": "ml.g6.xlarge", "on_demand": True},
                ]
            }
        },
        bad={
            "compute": {"fallback": [{"instance_type": "ml.g6.xlarge"}, {"instance_type": "ml.g6.xlarge", "count": 1}]}
        },
        says="compute.fallback[1]: 1 x ml.g6.xlarge is tried before it already (remove it)",
    ),
    Case(
        rule="one-training-plan",
        good={"compute": preferences("ml.g5.xlarge", training_plan=PLAN)},
        bad={
            "compute": {
                "instance_type": None,
                "preferences": [{"instance_type": "ml.p4d.24xlarge", "training_plan": PLAN}],
                "training_plan": PLAN,
            }
        },
        says="compute.training_plan: the preferences name training plans of their own (remove this one, or theirs)",
    ),
    Case(
        rule="placement-on-ultra-servers",
        good={
            "image": {"folder": None, "repository": "own", "tag": "1"},
            "compute": {
                "instance_type": "ml.p6e-gb200.36xlarge",
                "count": 2,
                "placement": {"ultra_servers": [{"count": 2}]},
            },
        },
        bad={"compute": {"count": 2, "placement": {"ultra_servers": [{"count": 2}]}}},
        says="compute.instance_type: ml.g5.xlarge does not come in UltraServers, so compute.placement is not allowed",
    ),
    Case(
        rule="volume-fits-local-disk",
        good={"compute": {"volume": "250GB"}},
        bad={"compute": {"volume": "251GB"}},
        says="compute.volume: 251GB is more than the 250GB of ml.g5.xlarge, whose disk is fixed "
        "(ask for less, or take a larger type)",
    ),
    Case(
        rule="no-volume-key-on-local-disk",
        good={"compute": {"instance_type": "ml.m5.xlarge", "volume_kms_key": KEY}},
        bad={"compute": {"volume_kms_key": KEY}},
        says="compute.volume_kms_key: ml.g5.xlarge encrypts its own disks, so no key may be named (remove it)",
    ),
]

ACCELERATORS = [
    Case(
        rule="one-process-a-gpu",
        good={"program": {"processes_per_node": 4}, "compute": {"instance_type": "ml.g5.12xlarge"}},
        bad={"program": {"processes_per_node": 4}, "compute": {"instance_type": "ml.p3.16xlarge"}},
        says="program.processes_per_node: 4 is not allowed: ml.p3.16xlarge has 8 GPUs (leave it out for one each)",
    ),
    Case(
        rule="bf16-where-the-gpu-has-it",
        good={"hyperparameters": {"precision": "bf16"}},
        bad={"hyperparameters": {"precision": "bf16"}, "compute": {"instance_type": "ml.p3.2xlarge"}},
        says="hyperparameters.precision: the V100 of ml.p3.2xlarge (Volta) has no bfloat16 (use fp32 or fp16)",
    ),
    Case(
        rule="fp8-where-the-gpu-has-it",
        good={"hyperparameters": {"precision": "fp8"}, "compute": {"instance_type": "ml.p5.4xlarge"}},
        bad={"hyperparameters": {"precision": "fp8"}},
        says="hyperparameters.precision: the A10G of ml.g5.xlarge has no 8-bit floats (use bf16 or fp32)",
    ),
    Case(
        rule="smddp-where-it-runs",
        good={"hyperparameters": {"backend": "smddp"}, "compute": p4d(2)},
        bad={"hyperparameters": {"backend": "smddp"}},
        says="hyperparameters.backend: smddp does not run on ml.g5.xlarge "
        "(on ml.p4d.24xlarge and ml.p4de.24xlarge; use nccl elsewhere)",
    ),
    Case(
        rule="plan-fits-memory",
        good={"model": {"parameters": "124M"}},
        bad={"model": {"parameters": "7B"}},
        says="model.parameters: 7e+09 parameters with ddp need 129.3 GB of each GPU, and the A10G of ml.g5.xlarge has "
        "20.6 GB to give (yard advise --params 7e+09 --instance ml.g5.xlarge --count 1)",
    ),
    Case(
        rule="parallelism-divides-the-ranks",
        good={"hyperparameters": {"tensor_parallel": 4}, "compute": {"instance_type": "ml.g5.12xlarge"}},
        bad={"hyperparameters": {"tensor_parallel": 3}, "compute": {"instance_type": "ml.g5.12xlarge"}},
        says="hyperparameters.tensor_parallel: 3 does not divide the 4 ranks of a node, whose links it needs: "
        "choose one of [1, 2, 4] (on 1 x ml.g5.12xlarge)",
    ),
    Case(
        rule="plan-options-go-together",
        good={
            "hyperparameters": {"plan": "hsdp", "shard_size": 4},
            "program": GPT,
            "compute": {"instance_type": "ml.g5.12xlarge"},
        },
        bad={"hyperparameters": {"plan": "hsdp"}, "program": GPT},
        says="hyperparameters.shard_size: is missing: the plan hsdp needs it (usually the ranks of a node)",
    ),
]

DATA = [
    Case(
        rule="channel-names",
        good={"channels": {"train": {"s3": "a/"}}},
        bad={"channels": {"code": {"s3": "a/"}}},
        says="channels.code: Shardyard adds a channel named 'code' itself (choose another name)",
    ),
    Case(
        rule="channel-has-objects",
        good={"channels": {"other": {"s3": "a/"}}},
        bad={"channels": {"train": {"s3": "a/"}}},
        facts=Facts(objects={"train": 0}),
        says="channels.train.s3: there is no object under a/ (upload the data first)",
    ),
    Case(
        rule="sharded-channel-has-enough-objects",
        good={"channels": {"train": {"s3": "a/", "distribution": "ShardedByS3Key"}}, "compute": {"count": 3}},
        bad={"channels": {"train": {"s3": "a/", "distribution": "ShardedByS3Key"}}, "compute": {"count": 4}},
        facts=Facts(objects={"train": 3}),
        says="channels.train: 3 objects cannot be shared by 4 instances (4 objects or more)",
    ),
    Case(
        rule="validation-is-whole",
        good={"channels": {"validation": {"s3": "a/"}}},
        bad={"channels": {"validation": {"s3": "a/", "distribution": "ShardedByS3Key"}}},
        says="channels.validation.distribution: each instance would judge the model on its own share "
        "('FullyReplicated' for this channel)",
    ),
    Case(
        rule="mode-suits-channel",
        good={"channels": {"train": {"s3": "a/", "compression": "Gzip", "mode": "Pipe"}}},
        bad={"channels": {"train": {"s3": "a/", "compression": "Gzip", "mode": "FastFile"}}},
        says="channels.train.compression: Gzip is unpacked in Pipe mode only, and the mode is FastFile",
    ),
    Case(
        rule="attributes-with-augmented-manifest",
        good={
            "channels": {
                "train": {"s3": "a", "type": "AugmentedManifestFile", "mode": "Pipe", "attributes": ["source-ref"]}
            }
        },
        bad={"channels": {"train": {"s3": "a", "type": "AugmentedManifestFile", "mode": "Pipe"}}},
        says="channels.train.attributes: 0 are not allowed (1 to 16 for an augmented manifest)",
    ),
    Case(
        rule="channel-groups-exist",
        good={"channels": {"train": {"s3": "a/", "groups": ["g0"]}}, "compute": groups("ml.g5.xlarge", "ml.g6.xlarge")},
        bad={"channels": {"train": {"s3": "a/", "groups": ["gpu"]}}, "compute": groups("ml.g5.xlarge", "ml.g6.xlarge")},
        says="channels.train.groups: there is no group 'gpu'; known: g0, g1",
    ),
    Case(
        rule="checkpoints-of-one-job",
        good={"checkpoints": {"enabled": True, "s3": "s3://bucket/mine/"}},
        bad={"checkpoints": {"enabled": True, "s3": "s3://bucket/shared/mine/"}},
        facts=Facts(other_checkpoints={"other": "s3://bucket/shared", "job": "s3://bucket/mine/"}),
        says="checkpoints.s3: s3://bucket/shared/mine/ is also where the job other keeps its checkpoints "
        "(leave it out for a place of its own)",
    ),
    Case(
        rule="checkpoints-apart",
        good={"checkpoints": {"enabled": True, "local_path": "/opt/ml/checkpoints/deep"}},
        bad={"checkpoints": {"enabled": True, "local_path": "/opt/ml/model/ck"}},
        says="checkpoints.local_path: /opt/ml/model/ck is kept by SageMaker for itself (such as /opt/ml/checkpoints)",
    ),
]
