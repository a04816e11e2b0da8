"""Everything that an AutoML job can switch on, each alone; the list is held against the definition."""

from typing import Any, get_args

from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.automl.problems import Algorithm
from shardyard.spec.rules.automl.problems import ALGORITHMS
from tests.support.automl.automl_rule_cases import BASE, IMAGES, TEXT, series, training
from tests.support.spec.choices import choices_of, covered_by
from tests.support.spec.job_features import KEY
from tests.support.spec.spec_tables import over

NOT_OF_AUTOML = (
    *(one for one in choices_of(AutoMLSpec) if one.startswith(("image.", "source.", "compute.fallback."))),
    *("compute.count", "compute.volume", "compute.preferences.instance_type", "compute.preferences.count"),
    *("environment", "secrets", "not_secret", "network.isolation", "name", "from_stage"),
    *(f"tabular.algorithms={one}" for one in get_args(Algorithm) if one in ALGORITHMS["forecasting"]),
    *(f"forecasting.algorithms={one}" for one in get_args(Algorithm) if one not in ALGORITHMS["forecasting"]),
)
"""What rules refuse for this kind of job, and what no table sets."""


def _table(objective: str, problem: str, **fields: Any) -> dict[str, Any]:
    return {"tabular": {"problem": problem, **fields}, "objective": objective}


AUTOML_FEATURES: dict[str, dict[str, Any]] = {
    "a kind": {"kind": "automl"},
    "a description, tags, its own stack, an owner": {
        "description": "d",
        "tags": {"team": "x"},
        "stack": "vision",
        "owner": "vision",
        "renamed_from": "former",
    },
    "a type, a key": {"compute": {"instance_type": "ml.m5.4xlarge", "volume_kms_key": KEY}},
    "limits": {"limits": {"max_runtime": "2h"}, "candidates": {"count": 20, "max_runtime": "30m"}},
    "no VPC, encrypted": {"network": {"vpc": False, "encrypt_traffic": True}},
    "a queue": {"queue": {"max_wait": "6h", "first_wait": "1m", "longest_wait": "30m"}},
    "a cost limit": {"cost": {"cap_usd": 40, "hourly_usd": {"ml.m5.4xlarge": 1.41}}},
    "a launch on deploy": {"deploy": {"launch": True}},
    "a key of the results": {"output": {"kms_key": KEY}},
    "a fraction": {"validation_fraction": 0.3},
    "compressed": training(content_type="text/csv;header=present", type="S3Prefix", compression="Gzip", bucket="data"),
    "of a run": training(s3="runs/", bucket="artifacts", named_at_launch=True, compression="None"),
    "a manifest elsewhere": training(s3="s3://team/list.manifest", type="ManifestFile"),
    "a stack": {
        "tabular": {
            "mode": "ENSEMBLING",
            "weight": "counts",
            "algorithms": list(ALGORITHMS["ENSEMBLING"]),
            "features": "tables/columns.json",
        }
    },
    "a search": {"tabular": {"mode": "HYPERPARAMETER_TUNING", "algorithms": ["mlp"], "definitions_only": True}},
    "as it likes": {"tabular": {"mode": "AUTO", "target": "left"}},
    **{f"regression by {one}": _table(one, "Regression") for one in ("MAE", "MSE", "R2", "RMSE")},
    **{
        f"two classes by {one}": _table(one, "BinaryClassification")
        for one in ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall")
    },
    **{
        f"classes by {one}": _table(one, "MulticlassClassification")
        for one in ("F1macro", "PrecisionMacro", "RecallMacro")
    },
    "texts": {**TEXT, "inputs": {"validation": {"s3": "tables/judged/"}}},
    "images": {**IMAGES, **training(s3="images/list.manifest", type="AugmentedManifestFile")},
    "series": series(
        groups=["town"],
        quantiles=["p10", "p90"],
        filling={"sold": {"backfill": "zero"}},
        aggregation={"sold": "avg"},
        holidays="DE",
        algorithms=list(ALGORITHMS["forecasting"]),
        features="s3://team-features/columns.json",
    ),
    **{
        f"series by {one}": {**series(), "objective": one}
        for one in ("MAPE", "MASE", "WAPE", "AverageWeightedQuantileLoss")
    },
}
"""Each as tables to lay over a small job."""


def automl_choices() -> set[str]:
    """Every field of an AutoML job, and every value of one that is a choice, that rules allow."""
    return set(choices_of(AutoMLSpec)) - set(NOT_OF_AUTOML)


def covered_by_automl() -> set[str]:
    """What the table's jobs set."""
    return {one for tables in AUTOML_FEATURES.values() for one in covered_by(AutoMLSpec, over(BASE, tables))}


def automl_job_of(name: str, tables: dict[str, Any]) -> AutoMLSpec:
    """A small job with one feature."""
    own = {key: value for key, value in tables.items() if key != "renamed_from"}
    return AutoMLSpec.from_dict(over(BASE, {**own, "name": name}))
