"""Jobs that together use every field of CreateTrainingJob that we can produce, and the reasons for the others."""

from typing import Any

from shardyard.spec.requests.deployment import Deployment

RUN = "20260101-000000-abcd"
PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:0123456789abcdef"

DEPLOYMENT = Deployment(
    project="shardyard",
    stage="dev",
    data_bucket="data-bucket",
    artifact_bucket="artifact-bucket",
    role_arn="arn:aws:iam::123456789012:role/shardyard-dev-job",
    image_uri=IMAGE,
    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    subnets=("subnet-1", "subnet-2"),
    security_group_ids=("sg-1",),
    launcher_sha256="c" * 64,
    tags={"project": "shardyard", "stage": "dev", "owner": "team"},
)

EVERYTHING: list[dict[str, Any]] = [
    {
        "description": "one instance type, every kind of channel, all options",
        "source": {"dir": "src", "sha256": "d" * 64},
        "program": {"entry": "train.py", "processes_per_node": 2, "arguments": ["--fast", "a b"]},
        "image": {
            "folder": None,
            "repository": "registry.local/own",
            "tag": "1",
            "entrypoint": ["python", "-m", "x"],
            "arguments": ["train"],
            "access": "Vpc",
            "credentials_function": "arn:aws:lambda:us-east-1:123456789012:function:password",
        },
        "compute": {
            "instance_type": "ml.m5.xlarge",
            "count": 2,
            "volume": "50GB",
            "keep_alive": "10m",
            "training_plan": PLAN,
            "placement": {"multiple_jobs": True, "ultra_servers": [{"id": "us-1", "count": 2}]},
        },
        "limits": {"max_runtime": "2h", "max_pending": "1h"},
        "checkpoints": {"enabled": True},
        "channels": {
            "train": {
                "s3": "a.manifest",
                "type": "AugmentedManifestFile",
                "mode": "Pipe",
                "content_type": "text/csv",
                "compression": "Gzip",
                "record_wrapper": "RecordIO",
                "shuffle_seed": 0,
                "attributes": ["source-ref", "label"],
            },
            "gated": {
                "s3": "s3://hub/model/",
                "accept_eula": True,
                "hub_content_arn": "arn:aws:sagemaker:us-east-1:aws:hub-content/a/ModelReference/b",
            },
            "lustre": {"file_system": {"id": "fs-01234567", "path": "/abc/x", "access": "rw"}},
            "hub": {"dataset_arn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/DataSet/d"},
        },
        "hyperparameters": {"epochs": 3, "rate": 1e-4, "flag": True, "text": "a'b", "digits": "12"},
        "environment": {"NCCL_DEBUG": "INFO"},
        "metrics": [{"name": "reward", "regex": "reward=(.)"}],
        "output": {"compression": "NONE"},
        "network": {"encrypt_traffic": True},
        "retry": {"attempts": 3},
        "tensorboard": {"enabled": True},
        "mlflow": {"resource_arn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-1"},
        "debug": {"remote": True},
        "infra_check": {"enabled": True},
        "session": {"tag_chaining": True},
        "tags": {"team": "vision"},
    },
    {
        "description": "spot, an algorithm, isolation",
        "image": {"folder": None, "algorithm": "my-algorithm"},
        "program": None,
        "spot": {"enabled": True},
        "checkpoints": {"enabled": True},
        "network": {"isolation": True},
    },
    {
        "description": "instance groups",
        "compute": {"instance_type": None, "groups": [{"name": "a", "instance_type": "ml.g5.xlarge", "count": 2}]},
        "channels": {"train": {"s3": "a/", "groups": ["a"]}},
    },
    {
        "description": "instance preferences",
        "compute": {
            "instance_type": None,
            "count": 2,
            "preferences": [
                {"instance_type": "ml.p4d.24xlarge", "training_plan": PLAN},
                {"instance_type": "ml.g5.48xlarge", "count": 4},
            ],
        },
    },
]

_DEBUGGER = "SageMaker Debugger and its profiler: closed to new customers since 2026-07-30, profiler ends 2027-06-30"
_SERVERLESS = "serverless model customisation: no container, no instances, so nothing of ours would run"
_READ_ONLY = "read-only: returned by DescribeTrainingJob, not accepted in a request"

LEFT_OUT = {
    "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries": "on by itself with a metric definition, which we send",
    "ResourceConfig.SelectedInstanceType": _READ_ONLY,
    "ResourceConfig.SelectedInstanceCount": _READ_ONLY,
    "DebugHookConfig": _DEBUGGER,
    "DebugRuleConfigurations": _DEBUGGER,
    "ProfilerConfig": _DEBUGGER,
    "ProfilerRuleConfigurations": _DEBUGGER,
    "ExperimentConfig": "Experiments Classic lives on in Studio Classic only; MLflow takes its place",
    "ServerlessJobConfig": _SERVERLESS,
    "ModelPackageConfig": _SERVERLESS + "; models are registered by the state machine",
}
"""Fields that botocore knows and no job of ours sends, each with its reason; all below them is left out too."""
