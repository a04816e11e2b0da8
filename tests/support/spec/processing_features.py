"""Everything that a processing job can switch on, each alone; the list is held against the definition."""

from typing import Any, get_args

from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.program import Builtin
from tests.support.spec.choices import choices_of, covered_by
from tests.support.spec.job_features import KEY
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import over

ROLE = "arn:aws:iam::123456789012:role/redshift"
_OWN = {"folder": None, "repository": "own", "tag": "1"}
_ATHENA = {"database": "d", "query": "select 1"}
_REDSHIFT = {"cluster": "c", "database": "d", "user": "u", "query": "select 1", "cluster_role_arn": ROLE}
NOT_OF_PROCESSING = (
    *(f"image.builtin={name}" for name in get_args(Builtin)),
    *("image.algorithm", "image.access=Platform", "image.access=Vpc", "image.credentials_function"),
    *(one for one in choices_of(ProcessingSpec) if one.startswith("image.builtin=")),
    *("name", "from_stage"),
)
"""What rules refuse for this kind of job, and what no table sets."""


def _input(name: str = "raw", **fields: Any) -> dict[str, Any]:
    return {"inputs": {name: fields}}


def _output(**fields: Any) -> dict[str, Any]:
    return {"outputs": {"out": fields}}


PROCESSING_FEATURES: dict[str, dict[str, Any]] = {
    "a kind": {"kind": "processing"},
    "a description, tags, its own stack, an owner": {
        "description": "d",
        "tags": {"team": "x"},
        "stack": "vision",
        "owner": "vision",
        "renamed_from": "former",
    },
    "variables and secrets": {
        "environment": {"PRIMARY_KEY": "id"},
        "not_secret": ["PRIMARY_KEY"],
        "secrets": {"TOKEN": "secret:team/token"},
    },
    "image of a repository": {"image": {**_OWN, "entrypoint": ["python"], "arguments": ["x"]}, "program": None},
    "image by digest": {"image": {"folder": None, "repository": "own", "digest": f"sha256:{'a' * 64}"}},
    "image of PyTorch's": {"image": {"folder": None, "framework": "pytorch", "version": "2.13", "cpu_only": True}},
    "image of TensorFlow's": {"image": {"folder": None, "framework": "tensorflow", "version": "2.21"}},
    "own code": {
        "source": {"dir": "examples/own-app/code", "sha256": "d" * 64},
        "program": {"entry": "train.py", "arguments": ["--fast"]},
    },
    "Spark": {
        "program": None,
        "source": {"dir": "examples/own-app/code"},
        "inputs": {"libraries": {"s3": "a/"}},
        "spark": {
            "application": "events.jar",
            "main_class": "com.example.Main",
            "arguments": ["a"],
            "py_files": ["libraries"],
            "jars": ["libraries"],
            "files": ["libraries"],
            "event_logs": False,
        },
    },
    "GPUs that are not used": {"program": {"without_gpus": True}},
    "two instances with a key": {"compute": {"count": 2, "volume": "50GB", "volume_kms_key": KEY}},
    "preferences": {"compute": {"instance_type": None, "preferences": [{"instance_type": "ml.m5.large", "count": 2}]}},
    "a fallback": {"compute": {"fallback": [{"instance_type": "ml.m5.xlarge", "count": 1, "environment": {"A": "b"}}]}},
    "limits": {"limits": {"max_runtime": "2h"}},
    "a sharded input": _input(s3="raw/", type="ManifestFile", distribution="ShardedByS3Key", mode="File"),
    "a replicated pipe": _input(
        s3="raw/", type="S3Prefix", distribution="FullyReplicated", mode="Pipe", compression="Gzip"
    ),
    "a plain input elsewhere": _input(
        s3="s3://team-data/raw/",
        bucket="data",
        compression="None",
        local_path="/opt/ml/processing/raw",
        app_managed=True,
    ),
    "a run's input": _input(s3="runs/", bucket="artifacts", named_at_launch=True),
    **{
        f"Athena to {kind}": _input(athena={**_ATHENA, "format": kind, "catalog": "AwsDataCatalog"})
        for kind in ("PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE")
    },
    **{
        f"Athena in {kind}": _input(athena={**_ATHENA, "compression": kind, "work_group": "w", "kms_key": KEY})
        for kind in ("GZIP", "SNAPPY", "ZLIB")
    },
    **{f"Redshift to {kind}": _input(redshift={**_REDSHIFT, "format": kind}) for kind in ("PARQUET", "CSV")},
    **{
        f"Redshift in {kind}": _input(redshift={**_REDSHIFT, "compression": kind, "kms_key": KEY})
        for kind in ("None", "GZIP", "BZIP2", "ZSTD", "SNAPPY")
    },
    "an output": _output(s3="out/", bucket="data", upload="EndOfJob", local_path="/opt/ml/processing/out"),
    "a continuous output": {**_output(s3="out/", bucket="artifacts", upload="Continuous"), "output": {"kms_key": KEY}},
    "a feature group": _output(feature_group="clicks", app_managed=True),
    "no VPC": {"network": {"vpc": False}},
    "isolation": {"network": {"isolation": True, "encrypt_traffic": True}},
    "a queue": {"queue": {"max_wait": "6h", "first_wait": "1m", "longest_wait": "30m"}},
    "a cost limit": {"cost": {"cap_usd": 40, "hourly_usd": {"ml.m5.large": 1.41}}},
    "a launch on deploy": {"deploy": {"launch": True}},
    "an experiment": {"experiment": {"name": "a", "trial": "b", "display_name": "c", "run_name": "d"}},
}
"""Each as tables to lay over a small job."""


def processing_choices() -> set[str]:
    """Every field of a processing job, and every value of one that is a choice, that rules allow."""
    return set(choices_of(ProcessingSpec)) - set(NOT_OF_PROCESSING)


def covered_by_processing() -> set[str]:
    """What the table's jobs set."""
    return {one for tables in PROCESSING_FEATURES.values() for one in covered_by(ProcessingSpec, over(BASE, tables))}


def processing_job_of(name: str, tables: dict[str, Any]) -> ProcessingSpec:
    """A small job with one feature."""
    own = {key: value for key, value in tables.items() if key != "renamed_from"}
    return ProcessingSpec.from_dict(over(BASE, {**own, "name": name}))
