"""Searches that together use every field of CreateHyperParameterTuningJob, and the reasons for the others."""

from typing import Any

from tests.support.spec.job_features import KEY, PLAN
from tests.support.spec.request_cases import LEFT_OUT as LEFT_OUT_OF_TRAINING
from tests.support.spec.tuning_rule_cases import LR, SIZES, search

TUNING_JOB = "job-20260101-000000-abcd"

EVERYTHING: dict[str, dict[str, Any]] = {
    "Bayesian, every kind of range and completion": {
        **search(
            ranges={
                "layers": {"type": "integer", "min": 1, "max": 8, "scaling": "Linear"},
                "optimizer": {"type": "categorical", "values": ["adam", "sgd"]},
                "depth": {"type": "auto", "hint": 4},
            },
            autotune=True,
            early_stopping=True,
            seed=7,
            max_runtime="2d",
            completion={"target": 0.1, "not_improving_jobs": 5, "convergence": True},
            warm_start={"type": "TransferLearning", "parents": ["job-20251231-000000-abcd"]},
            checkpoints=True,
        ),
        "hyperparameters": {"epochs": 3},
        "environment": {"A": "b"},
        "retry": {"attempts": 2},
        "spot": {"enabled": True},
        "checkpoints": {"enabled": True},
        "limits": {"max_runtime": "2h", "max_pending": "1h"},
        "network": {"isolation": True, "encrypt_traffic": True},
        "output": {"compression": "NONE"},
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
            "shared": {"file_system": {"id": "fs-01234567", "path": "/abc"}},
            "hub": {"dataset_arn": "arn:aws:sagemaker:us-east-1:aws:hub-content/a/DataSet/d"},
        },
        "compute": {"volume_kms_key": KEY},
    },
    "Hyperband on several instance types": search(
        strategy="Hyperband",
        hyperband={"min_resource": 1, "max_resource": 9},
        instances=[{"instance_type": "ml.m5.xlarge", "count": 2, "volume": "50GB"}, {"instance_type": "ml.m5.large"}],
    ),
    "a grid": search(strategy="Grid", max_jobs=None, max_parallel=2, ranges={"lr": None, "size": SIZES}),
    "several definitions": search(
        strategy="Random",
        ranges=None,
        definitions=[
            {"name": "adam", "ranges": {"lr": LR}, "hyperparameters": {"optimizer": "adam"}},
            {
                "name": "sgd",
                "ranges": {"lr": LR, "momentum": {"type": "continuous", "min": 0.5, "max": 0.99}},
                "objective": {"metric": "accuracy", "goal": "Maximize"},
                "environment": {"A": "b"},
                "entry": "training.pytorch.programs.mnist",
                "instances": [{"instance_type": "ml.m5.xlarge"}],
                "max_runtime": "1h",
                "retries": 2,
            },
        ],
    ),
    "an algorithm": {**search(), "image": {"folder": None, "algorithm": "own"}, "program": None},
    "instance groups": {
        **search(),
        "compute": {"instance_type": None, "groups": [{"name": "a", "instance_type": "ml.g5.xlarge", "count": 2}]},
        "channels": {"train": {"s3": "a/", "groups": ["a"]}},
    },
    "a training plan": {
        **search(),
        "compute": {
            "instance_type": "ml.m5.xlarge",
            "count": 2,
            "training_plan": PLAN,
            "placement": {"multiple_jobs": True, "ultra_servers": [{"id": "us-1", "count": 2}]},
        },
    },
}

_ONE_TYPE = "InstanceConfigs says it for each type; of one type [compute] says it, in ResourceConfig"
_READ_ONLY = LEFT_OUT_OF_TRAINING["ResourceConfig.SelectedInstanceType"]

_LEFT_OUT_OF_TRIALS = {
    "ResourceConfig.KeepAlivePeriodInSeconds": "a search keeps instances warm between trials by itself",
    "ResourceConfig.InstancePreferences": "trials choose from HyperParameterTuningResourceConfig",
    "ResourceConfig.SelectedInstanceType": _READ_ONLY,
    "ResourceConfig.SelectedInstanceCount": _READ_ONLY,
    "HyperParameterTuningResourceConfig.InstanceType": _ONE_TYPE,
    "HyperParameterTuningResourceConfig.InstanceCount": _ONE_TYPE,
    "HyperParameterTuningResourceConfig.VolumeSizeInGB": _ONE_TYPE,
}
_MIXED = "a definition's ranges are numbers and lists; hints stand in the search's own"

LEFT_OUT = {
    **{
        f"{definitions}.{field}": reason
        for definitions in ("TrainingJobDefinition", "TrainingJobDefinitions")
        for field, reason in _LEFT_OUT_OF_TRIALS.items()
    },
    "TrainingJobDefinition.DefinitionName": "a search with one kind of trials need not name it",
    "TrainingJobDefinition.TuningObjective": "HyperParameterTuningJobConfig has it",
    "TrainingJobDefinition.HyperParameterRanges": "HyperParameterTuningJobConfig has them",
}
"""Fields that botocore knows and no search of ours sends, each with its reason; all below them is left out too."""
