"""Everything that a job can switch on, each alone and all together; the list is held against the spec."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.job import JobSpec
from tests.support.spec.choices import choices_of, covered_by
from tests.support.spec.spec_tables import BASE, make, over

PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/a"
OWN = {"folder": None, "repository": "own", "tag": "1"}


def _file_system(kind: str, access: str) -> dict[str, Any]:
    system = {"id": "fs-0123456789abcdef0", "type": kind, "path": "/abc/x", "access": access}
    return {"channels": {"shared": {"file_system": system}}}


def _channel(**fields: Any) -> dict[str, Any]:
    return {"channels": {"train": {"s3": "digits/train/", **fields}}}


def _builtin(name: str, version: str | None = None, **hyperparameters: Any) -> dict[str, Any]:
    image = {"folder": None, "builtin": name, **({} if version is None else {"version": version})}
    channels = {"train": {"s3": "digits/train/"}}
    return {"image": image, "program": None, "hyperparameters": hyperparameters, "channels": channels}


_SCALES = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")
_RANGES = {
    **{name: {"type": "continuous", "min": 0.1, "max": 0.9, "scaling": name} for name in _SCALES},
    "depth": {"type": "integer", "min": 1, "max": 8},
    "optimizer": {"type": "categorical", "values": ["adam", "sgd"]},
    "width": {"type": "auto", "hint": 64},
}


def _search(**tables: Any) -> dict[str, Any]:
    ranges = {"optimizer": _RANGES["optimizer"]}
    objective = {"metric": "loss", "goal": "Maximize"}
    return {"tuning": {"objective": objective, "ranges": ranges, "max_jobs": 4, **tables}}


JOB_FEATURES: dict[str, dict[str, Any]] = {
    "a kind": {"kind": "training"},
    "a description, tags, its own stack": {"description": "d", "tags": {"team": "x"}, "stack": "vision"},
    "hyperparameters and environment": {"hyperparameters": {"a": 1}, "environment": {"A": "b"}},
    "image of a repository": {"image": OWN},
    "image by digest": {"image": {"folder": None, "repository": "own", "digest": f"sha256:{'a' * 64}"}},
    "image of PyTorch's": {
        "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
        "source": {"dir": "examples/own-app/code"},
    },
    "image of TensorFlow's": {
        "image": {"folder": None, "framework": "tensorflow", "version": "2.21"},
        "program": {"launcher": "tensorflow"},
    },
    "image for processors": {"image": {"folder": "pytorch", "cpu_only": True, "access": "Platform"}},
    "image of a private registry": {
        "image": {
            "folder": None,
            "repository": "registry.local/own",
            "tag": "1",
            "entrypoint": ["python"],
            "arguments": ["train"],
            "access": "Vpc",
            "credentials_function": "arn:aws:lambda:us-east-1:123456789012:function:password",
        }
    },
    "an algorithm": {"image": {"folder": None, "algorithm": "own"}, "program": None},
    "XGBoost": _builtin("xgboost", version="1.7-1", num_round=10),
    "Linear Learner": _builtin("linear-learner", predictor_type="regressor"),
    "K-Means": _builtin("kmeans", feature_dim=4, k=2),
    "Factorization Machines": _builtin(
        "factorization-machines", feature_dim=4, num_factors=2, predictor_type="regressor"
    ),
    "DeepAR": _builtin("deepar", context_length=7, prediction_length=7, epochs=2, time_freq="1D"),
    "BlazingText": _builtin("blazingtext", mode="supervised"),
    "own code": {"source": {"dir": "examples/own-app/code", "sha256": "d" * 64}},
    "launcher torchrun": {"program": {"launcher": "torchrun", "processes_per_node": 1, "arguments": ["a"]}},
    "launcher mpirun": {"program": {"launcher": "mpirun"}},
    "launcher plain": {"program": {"launcher": "plain"}},
    "GPUs that are not used": {"program": {"without_gpus": True}},
    "parameter servers": {"program": {"launcher": "tensorflow", "parameter_servers": 2}},
    "a group of parameter servers": {
        "program": {"launcher": "tensorflow", "server_group": "servers"},
        "compute": {
            "instance_type": None,
            "groups": [
                {"name": "workers", "instance_type": "ml.g5.xlarge", "count": 2},
                {"name": "servers", "instance_type": "ml.c5.xlarge"},
            ],
        },
    },
    "instances": {"compute": {"count": 2, "volume": "50GB", "volume_kms_key": KEY, "keep_alive": "10m"}},
    "instance groups": {
        "compute": {"instance_type": None, "groups": [{"name": "a", "instance_type": "ml.g5.xlarge", "count": 2}]},
        "channels": {"train": {"s3": "a/", "groups": ["a"]}},
    },
    "instance preferences": {
        "compute": {
            "instance_type": None,
            "preferences": [{"instance_type": "ml.p4d.24xlarge", "count": 2, "training_plan": PLAN}],
        }
    },
    "fallbacks": {
        "compute": {
            "fallback": [
                {
                    "instance_type": "ml.g4dn.xlarge",
                    "count": 2,
                    "on_demand": True,
                    "processes_per_node": 1,
                    "hyperparameters": {"a": 1},
                    "environment": {"A": "b"},
                }
            ]
        }
    },
    "a training plan": {"compute": {"instance_type": "ml.p4d.24xlarge", "training_plan": PLAN}},
    "UltraServers": {
        "image": OWN,
        "compute": {
            "instance_type": "ml.p6e-gb200.36xlarge",
            "count": 2,
            "placement": {"multiple_jobs": True, "ultra_servers": [{"id": "us-1", "count": 2}]},
        },
    },
    "limits": {"limits": {"max_runtime": "2h", "max_pending": "3h"}},
    "spot": {
        "spot": {"enabled": True, "max_wait": "3d", "give_up": "30m"},
        "checkpoints": {"enabled": True, "local_path": "/opt/ml/checkpoints"},
    },
    "checkpoints elsewhere": {"checkpoints": {"enabled": True, "s3": "s3://team-bucket/saves/"}},
    "a channel outside": _channel(s3="s3://team-bucket/digits/", distribution="FullyReplicated", mode="File"),
    "a channel of sharded prefixes": _channel(type="S3Prefix", distribution="ShardedByS3Key", mode="FastFile"),
    "a channel of a manifest": _channel(type="ManifestFile", s3="a.manifest", shuffle_seed=1),
    "a channel of an augmented manifest": _channel(
        type="AugmentedManifestFile",
        s3="s3://team-bucket/a.manifest",
        mode="Pipe",
        attributes=["source-ref", "label"],
        record_wrapper="RecordIO",
        content_type="text/csv",
        compression="Gzip",
    ),
    "a channel of conversations": _channel(type="Converse", compression="None", record_wrapper="None"),
    "a channel of a gated model": _channel(
        s3="s3://hub/model/", accept_eula=True, hub_content_arn=f"{HUB}/ModelReference/b"
    ),
    "a channel of a data set": {"channels": {"hub": {"dataset_arn": f"{HUB}/DataSet/d"}}},
    "Lustre to read": _file_system("FSxLustre", "ro"),
    "Lustre to write": _file_system("FSxLustre", "rw"),
    "EFS to read": _file_system("EFS", "ro"),
    "EFS to write": _file_system("EFS", "rw"),
    "own metrics": {"metrics": [{"name": "reward", "regex": "reward=(.)"}]},
    "one archive": {"output": {"compression": "GZIP", "kms_key": KEY}},
    "single files": {"output": {"compression": "NONE"}},
    "no VPC": {"network": {"vpc": False}},
    "isolation": {"network": {"isolation": True, "encrypt_traffic": True}},
    "retries": {"retry": {"attempts": 3}},
    "a queue": {"queue": {"max_wait": "6h", "first_wait": "1m", "longest_wait": "30m"}},
    "a cost limit": {"cost": {"cap_usd": 40, "hourly_usd": {"ml.g5.xlarge": 1.41}}},
    "registration": {"registry": {"enabled": True, "group": "digits"}},
    "a launch on deploy": {"deploy": {"launch": True}},
    "TensorBoard": {"tensorboard": {"enabled": True, "local_path": "/opt/ml/output/tensorboard"}},
    "an MLflow server": {
        "mlflow": {
            "resource_arn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team",
            "experiment": "digits",
            "run_name": "one",
        }
    },
    "an MLflow app": {"mlflow": {"resource_arn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-1"}},
    "remote debugging": {"debug": {"remote": True}},
    "a test of the instances": {"infra_check": {"enabled": True}},
    "session tags": {"session": {"tag_chaining": True}},
    "secrets": {
        "secrets": {"WANDB_API_KEY": "secret:team/tracker#key"},
        "environment": {"PRIMARY_KEY": "id"},
        "not_secret": ["PRIMARY_KEY"],
    },
    "guards": {"guards": {"stop_on_nan": True, "longest_silence": "20m", "longest_step": "10m"}},
    "slow ranks": {"guards": {"slow_rank": "stop", "slow_rank_ratio": 2.5}},
    "slow ranks told": {"guards": {"slow_rank": "warn"}},
    "slow ranks let be": {"guards": {"slow_rank": "ignore"}},
    "an owner": {"owner": "vision"},
    "a former name": {"renamed_from": "former"},
    "a search": {
        "hyperparameters": {"epochs": 2},
        "checkpoints": {"enabled": True},
        "tuning": {
            "strategy": "Bayesian",
            "objective": {"metric": "validation_loss", "goal": "Minimize"},
            "ranges": _RANGES,
            "max_jobs": 20,
            "max_parallel": 2,
            "max_runtime": "2d",
            "early_stopping": True,
            "completion": {"target": 0.1, "not_improving_jobs": 5, "convergence": True},
            "warm_start": {"type": "TransferLearning", "parents": ["job-20251231-000000-abcd"]},
            "autotune": True,
            "seed": 7,
            "instances": [{"instance_type": "ml.g5.xlarge", "count": 1, "volume": "50GB"}],
            "checkpoints": True,
            "cap_usd": 50,
            "register": True,
            "retrain": {"enabled": True, "hyperparameters": {"all": True}, "environment": {"ALL": "1"}},
        },
    },
    "a search by Hyperband": _search(strategy="Hyperband", hyperband={"min_resource": 1, "max_resource": 9}),
    "a search through a grid": _search(strategy="Grid", max_jobs=None),
    "a random search of several programs": _search(
        strategy="Random",
        ranges={},
        warm_start={"type": "IdenticalDataAndAlgorithm", "parents": ["job-20251231-000000-abcd"]},
        definitions=[
            {
                "name": "adam",
                "objective": {"metric": "accuracy", "goal": "Maximize"},
                "ranges": {name: one for name, one in _RANGES.items() if name != "optimizer"},
                "hyperparameters": {"optimizer": "adam"},
                "environment": {"A": "b"},
                "entry": "training.pytorch.programs.mnist",
                "instances": [{"instance_type": "ml.g5.xlarge", "count": 1, "volume": "50GB"}],
                "max_runtime": "1h",
                "retries": 2,
            },
            {"name": "sgd", "objective": {"metric": "loss", "goal": "Minimize"}, "ranges": _RANGES},
        ],
    ),
    "a model's size": {"model": {"preset": "toy", "parameters": "7B", "layers": 2, "hidden": 8, "sequence": 64}},
}
"""Each as tables to lay over a small job."""

SAID_OTHERWISE = {"name": "the file's name; each job of the table has one", "from_stage": "read from the stage"}
"""Fields of a job that no table sets."""


def job_of(name: str, tables: Mapping[str, Any]) -> JobSpec:
    """A small job with one feature."""
    return make(name=name, **tables)


def all_on() -> list[dict[str, Any]]:
    """As many features together as exclude one another not, in as few jobs as that takes."""
    jobs: list[dict[str, Any]] = []
    for tables in JOB_FEATURES.values():
        for number, before in enumerate(jobs):
            together = over(before, tables)
            if _is_definable(together) and _keeps(before, together):
                jobs[number] = together
                break
        else:
            jobs.append(dict(tables))
    return jobs


def _keeps(before: Mapping[str, Any], together: Mapping[str, Any]) -> bool:
    """Whether nothing that was set is set otherwise."""
    return set(covered_by(JobSpec, before)) <= set(covered_by(JobSpec, together))


def _is_definable(tables: Mapping[str, Any]) -> bool:
    try:
        make(**tables)
    except SpecError:
        return False
    return True


def job_choices() -> set[str]:
    """Every field of a job, and every value of one that is a choice."""
    return {one for one in choices_of(JobSpec) if one.split(".")[0] not in SAID_OTHERWISE}


def covered_by_jobs() -> set[str]:
    """What the table's jobs set."""
    return {one for tables in JOB_FEATURES.values() for one in covered_by(JobSpec, over(BASE, tables))}
