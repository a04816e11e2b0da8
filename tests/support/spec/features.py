"""Everything that a job or a setting can switch on, each alone and all together; the list is held against the spec.

What each feature covers is read off the spec: a field, and every value of a field that is a choice.
"""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.settings.network import EndpointService
from shardyard.spec.settings.settings import Settings
from tests.support.spec.spec_tables import BASE, make, over

PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
EXISTING = {"network.kind": "existing", "network.vpc_id": "vpc-0123456789abcdef0", "network.subnet_ids": SUBNETS}
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/a"
REPOSITORY = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/labs"
OWN = {"folder": None, "repository": "own", "tag": "1"}


def _file_system(kind: str, access: str) -> dict[str, Any]:
    system = {"id": "fs-0123456789abcdef0", "type": kind, "path": "/abc/x", "access": access}
    return {"channels": {"shared": {"file_system": system}}}


def _channel(**fields: Any) -> dict[str, Any]:
    return {"channels": {"train": {"s3": "digits/train/", **fields}}}


JOB_FEATURES: dict[str, dict[str, Any]] = {
    "a description, tags, its own stack": {"description": "d", "tags": {"team": "x"}, "stack": "vision"},
    "hyperparameters and environment": {"hyperparameters": {"a": 1}, "environment": {"A": "b"}},
    "image of a repository": {"image": OWN},
    "image by digest": {"image": {"folder": None, "repository": "own", "digest": f"sha256:{'a' * 64}"}},
    "image of PyTorch's": {
        "image": {"folder": None, "framework": "pytorch", "version": "2.13"},
        "source": {"dir": "examples/own-app/code"},
    },
    "image of TensorFlow's": {"image": {"folder": None, "framework": "tensorflow", "version": "2.21"}},
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
    "own code": {"source": {"dir": "examples/own-app/code", "sha256": "d" * 64}},
    "launcher torchrun": {"program": {"launcher": "torchrun", "processes_per_node": 1, "arguments": ["a"]}},
    "launcher mpirun": {"program": {"launcher": "mpirun"}},
    "launcher plain": {"program": {"launcher": "plain"}},
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
    "an owner": {"owner": "vision"},
    "a former name": {"renamed_from": "former"},
    "a model's size": {"model": {"preset": "toy", "parameters": "7B", "layers": 2, "hidden": 8, "sequence": 64}},
}
"""Each as tables to lay over a small job."""

SETTING_FEATURES: dict[str, dict[str, Any]] = {
    "nothing": {"project": "vision", "stage": "dev", "owner": "team", "tags": {"cost-center": "ml-42"}},
    "prod": {"stage": "prod"},
    "staging": {"stage": "staging", "training.no_jobs": True},
    "a new network": {
        "network.kind": "new",
        "network.cidr": "10.0.0.0/16",
        "network.zones": 3,
        "network.interface_endpoints": list(get_args(EndpointService)),
    },
    "zones by name": {"network.zone_names": ["us-east-1a", "us-east-1b"]},
    "an existing network": {**EXISTING, "network.subnet_cidrs": ["10.0.0.0/24", "10.0.1.0/24"]},
    "an existing group": {**EXISTING, "network.security_group_ids": ["sg-0123456789abcdef0"]},
    "no network": {"network.kind": "none"},
    "a boundary": {"identity.permissions_boundary": "arn:aws:iam::123456789012:policy/boundary"},
    "retention": {
        "retention.checkpoint_days": 3,
        "retention.old_version_days": 3,
        "retention.unfinished_upload_days": 3,
        "retention.access_log_days": 3,
        "retention.log_days": 3,
        "retention.images": 3,
    },
    "training": {"training.jobs": "jobs", "training.cap_usd": 10},
    "a sweeper that stops": {
        "sweeper.enabled": True,
        "sweeper.stops": "always",
        "sweeper.every_hours": 1,
        "sweeper.notebook_hours": 1,
        "sweeper.endpoint_idle_hours": 1,
        "sweeper.job_hours": 1,
        "sweeper.stops_jobs": True,
        "sweeper.warm_pool_minutes": 1,
        "sweeper.ends_warm_pools": True,
    },
    "a sweeper that stops by stage": {"sweeper.stops": "by-stage"},
    "a sweeper that tells": {"sweeper.stops": "never"},
    "notebooks": {
        "notebooks.enabled": True,
        "notebooks.names": ["main", "second"],
        "notebooks.instance_type": "ml.t3.large",
        "notebooks.volume": "30GB",
        "notebooks.git_access": "none",
        "notebooks.auto_stop": True,
        "notebooks.idle_minutes": 30,
    },
    "notebooks of CodeCommit": {
        "notebooks.enabled": True,
        "notebooks.git_url": REPOSITORY,
        "notebooks.git_branch": "main",
        "notebooks.git_access": "codecommit",
        "notebooks.additional_repositories": [f"{REPOSITORY}-2"],
        "network.interface_endpoints": ["git-codecommit", "sagemaker.api", "logs"],
    },
    "private notebooks": {
        "notebooks.enabled": True,
        "notebooks.git_url": "https://github.com/team/project.git",
        "notebooks.git_private": True,
        "notebooks.git_secret_name": "team/git",
        "notebooks.git_access": "own-route",
        **EXISTING,
    },
    "notebooks with a way out": {
        "notebooks.enabled": True,
        "notebooks.git_url": "https://github.com/team/project.git",
        "notebooks.git_access": "direct",
    },
    "quotas": {
        "quotas.requests": [{"name": "ml.g5.xlarge for training job usage", "at_least": 2, "service": "sagemaker"}],
        "quotas.from_jobs": True,
        "quotas.fail_when_pending": True,
    },
    "people by tag": {"identity.launch_tag": "team"},
    "caps of owners": {"budget.per_owner": {"vision": 100, "*": 50}},
    "a budget": {"budget.monthly_usd": 250, "budget.tag_filter": "project=vision"},
    "alerts": {
        "alerts.email": "team@example.com",
        "alerts.low_gpu_percent": 5,
        "alerts.low_gpu_minutes": 10,
        "alerts.silent_minutes": 10,
    },
}
"""Each as a context."""

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
    return set(_covered(JobSpec, before, "")) <= set(_covered(JobSpec, together, ""))


def _is_definable(tables: Mapping[str, Any]) -> bool:
    try:
        make(**tables)
    except SpecError:
        return False
    return True


def job_choices() -> set[str]:
    """Every field of a job, and every value of one that is a choice."""
    return {one for one in _choices(JobSpec, "") if one.split(".")[0] not in SAID_OTHERWISE}


def setting_choices() -> set[str]:
    """The same of the settings."""
    return set(_choices(Settings, ""))


def covered_by_jobs() -> set[str]:
    """What the table's jobs set."""
    return {one for tables in JOB_FEATURES.values() for one in _covered(JobSpec, over(BASE, tables), "")}


def covered_by_settings() -> set[str]:
    """What the table's contexts set."""
    return {one for context in SETTING_FEATURES.values() for one in _covered(Settings, _as_tree(context), "")}


def _as_tree(context: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in context.items():
        table, _, key = path.rpartition(".")
        (tree.setdefault(table, {}) if table else tree)[key] = value
    return tree


def _fields(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        yield field.metadata.get("key") or field.name, hints[field.name]


def _inside(hint: Any) -> Any:
    """The type behind an optional, a list or a table."""
    if get_origin(hint) in (Union, types.UnionType):
        return _inside(next(one for one in get_args(hint) if one is not type(None)))
    if get_origin(hint) is tuple:
        return _inside(get_args(hint)[0])
    return _inside(get_args(hint)[1]) if get_origin(hint) is dict else hint


def _choices(cls: type[Any], before: str) -> Iterator[str]:
    for key, hint in _fields(cls):
        inner, path = _inside(hint), f"{before}{key}"
        if dataclasses.is_dataclass(inner):
            yield from _choices(inner, f"{path}.")  # type: ignore[arg-type]
        elif get_origin(inner) is Literal and not _is_number(inner):
            yield from (f"{path}={choice}" for choice in get_args(inner))
        else:
            yield path


def _is_number(hint: Any) -> bool:
    return isinstance(get_args(hint)[0], int)


def _covered(cls: type[Any], tables: Mapping[str, Any], before: str) -> Iterator[str]:
    hints = dict(_fields(cls))
    for key, value in tables.items():
        inner, path = _inside(hints[key]), f"{before}{key}"
        if dataclasses.is_dataclass(inner):
            for one in _tables_in(value, hints[key]):
                yield from _covered(inner, one, f"{path}.")  # type: ignore[arg-type]
        elif value is not None:
            is_choice = get_origin(inner) is Literal and not _is_number(inner)
            values = value if isinstance(value, list) else [value]
            yield from (f"{path}={one}" if is_choice else path for one in values)


def _tables_in(value: Any, hint: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    is_table_of_tables = get_origin(hint) is dict
    return list(value.values()) if is_table_of_tables else [value]
