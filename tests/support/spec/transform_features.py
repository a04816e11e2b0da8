"""Everything that a transform job can switch on, each alone; the list is held against the definition."""

from typing import Any, get_args

from shardyard.spec.jobs.program import Builtin
from shardyard.spec.jobs.transform.transform import TransformSpec
from tests.support.spec.choices import choices_of, covered_by
from tests.support.spec.job_features import KEY
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE

NOT_OF_TRANSFORM = (
    *(one for one in choices_of(TransformSpec) if one.startswith("image.framework=")),
    *("image.algorithm", "image.access=Platform", "image.access=Vpc", "image.credentials_function"),
    *("image.entrypoint", "image.arguments", "source.dir", "source.sha256", "secrets", "compute.volume"),
    *("compute.preferences.instance_type", "compute.preferences.count", "network.encrypt_traffic"),
    *("name", "from_stage"),
)
"""What rules refuse for this kind of job, and what no table sets."""
_LINES = {"content_type": "application/jsonlines", "split": "Line"}
_CSV = {"content_type": "text/csv", "split": "Line"}
_OUTPUT = {"accept": "application/jsonlines", "assemble_with": "Line"}


def _rows(**fields: Any) -> dict[str, Any]:
    return {"inputs": {"rows": fields}}


def _algorithm(name: str) -> dict[str, Any]:
    rows = _CSV if name == "xgboost" else _LINES
    one_by_one = {"batching": {"strategy": "SingleRecord"}} if name == "deepar" else {}
    return {"image": {"folder": None, "builtin": name}, **_rows(**rows), "output": _OUTPUT, **one_by_one}


TRANSFORM_FEATURES: dict[str, dict[str, Any]] = {
    "a kind": {"kind": "transform"},
    "a description, tags, its own stack, an owner": {
        "description": "d",
        "tags": {"team": "x"},
        "stack": "vision",
        "owner": "vision",
        "renamed_from": "former",
    },
    "variables": {"environment": {"PRIMARY_KEY": "id"}, "not_secret": ["PRIMARY_KEY"]},
    "image of a repository": {"image": {"folder": None, "repository": "own", "tag": "1", "cpu_only": True}},
    **{name: _algorithm(name) for name in get_args(Builtin)},
    "a version of an algorithm": {"image": {"folder": None, "builtin": "xgboost", "version": "1.7-1"}, **_rows(**_CSV)},
    "image of a folder": {"image": {"folder": "pytorch"}},
    "image by digest": {"image": {"folder": None, "repository": "own", "digest": f"sha256:{'a' * 64}"}},
    "a run's model": {"model": {"run": "mnist-ddp:latest"}},
    "an archive": {"model": {"run": None, "s3": "models/m.tar.gz", "bucket": "artifacts"}},
    "an archive of the data": {"model": {"run": None, "s3": "models/m.tar.gz", "bucket": "data"}},
    "an archive elsewhere": {"model": {"run": None, "s3": "s3://team-models/m.tar.gz"}},
    "two instances with a key": {"compute": {"instance_type": "ml.m5.large", "count": 2, "volume_kms_key": KEY}},
    "another driver": {"compute": {"instance_type": "ml.g5.xlarge", "ami_version": "al2-ami-sagemaker-batch-gpu-535"}},
    "a fallback": {"compute": {"fallback": [{"instance_type": "ml.m5.xlarge", "count": 1, "environment": {"A": "b"}}]}},
    "limits": {"limits": {"max_runtime": "2h"}},
    "no VPC": {"network": {"vpc": False}},
    "isolation": {"network": {"isolation": True}},
    "a queue": {"queue": {"max_wait": "6h", "first_wait": "1m", "longest_wait": "30m"}},
    "a cost limit": {"cost": {"cap_usd": 40, "hourly_usd": {"ml.m5.large": 1.41}}},
    "a launch on deploy": {"deploy": {"launch": True}},
    "whole objects": _rows(split="None", type="S3Prefix", bucket="data", compression="None"),
    "RecordIO of a manifest": _rows(split="RecordIO", type="ManifestFile", compression="Gzip"),
    "TFRecord of a run": {
        **_rows(split="TFRecord", s3="runs/", bucket="artifacts", named_at_launch=True),
        "output": {"s3": "s3://team-data/out/", "assemble_with": "None"},
    },
    "lines, joined": {
        **_rows(**_LINES),
        "output": {**_OUTPUT, "s3": "digits/out/", "bucket": "data", "kms_key": KEY},
        "data_processing": {"input_filter": "$.a", "join": "Input", "output_filter": "$.SageMakerOutput"},
    },
    "lines, not joined": {
        **_rows(**_LINES),
        "output": {**_OUTPUT, "s3": "out/", "bucket": "artifacts"},
        "data_processing": {"join": "None"},
    },
    "one by one": {
        **_rows(**_LINES),
        "output": _OUTPUT,
        "batching": {
            "strategy": "SingleRecord",
            "max_payload_mb": 1,
            "max_concurrent": 4,
            "timeout": "1m",
            "retries": 0,
        },
    },
    "many at once": {**_rows(**_LINES), "output": _OUTPUT, "batching": {"strategy": "MultiRecord"}},
    "a capture": {"capture": {"s3": "captured/", "bucket": "data", "inference_ids": True, "kms_key": KEY}},
    "a capture among results": {"capture": {"s3": "captured/", "bucket": "artifacts"}},
    "an experiment": {"experiment": {"name": "a", "trial": "b", "display_name": "c", "run_name": "d"}},
}
"""Each as tables to lay over a small job."""


def transform_choices() -> set[str]:
    """Every field of a transform job, and every value of one that is a choice, that rules allow."""
    return set(choices_of(TransformSpec)) - set(NOT_OF_TRANSFORM)


def covered_by_transform() -> set[str]:
    """What the table's jobs set."""
    return {one for tables in TRANSFORM_FEATURES.values() for one in covered_by(TransformSpec, over(BASE, tables))}


def transform_job_of(name: str, tables: dict[str, Any]) -> TransformSpec:
    """A small job with one feature."""
    own = {key: value for key, value in tables.items() if key != "renamed_from"}
    return TransformSpec.from_dict(over(BASE, {**own, "name": name}))
