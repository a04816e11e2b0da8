"""A good and a bad AutoML job for each rule about them, with the exact refusal."""

from typing import Any

from tests.support.spec.rule_cases import Case

BASE: dict[str, Any] = {
    "name": "customers",
    "kind": "automl",
    "compute": {"instance_type": "ml.m5.4xlarge"},
    "inputs": {"training": {"s3": "tables/customers/"}},
    "tabular": {"target": "left"},
}
_CSV = "text/csv;header=present"
_PARQUET = "x-application/vnd.amazon+parquet"
TEXT: dict[str, Any] = {"tabular": None, "text_classification": {"content": "text", "target": "label"}}
IMAGES: dict[str, Any] = {"tabular": None, "image_classification": {"enabled": True}}


def series(**fields: Any) -> dict[str, Any]:
    """A forecast, and nothing else."""
    table = {"target": "sold", "timestamp": "day", "item": "shop", "frequency": "1D", "horizon": 14, **fields}
    return {"tabular": None, "forecasting": table}


def training(**fields: Any) -> dict[str, Any]:
    """The one input."""
    return {"inputs": {"training": fields}}


_JOBS = [
    Case(
        rule="automl-counts-by-a-known-type",
        good={"compute": {"instance_type": "ml.m5.12xlarge"}},
        bad={"compute": {"instance_type": "ml.m5.medium"}},
        says="compute.instance_type: 'ml.m5.medium' is no training instance type; did you mean 'ml.t3.medium'?",
    ),
    Case(
        rule="automl-instances-are-the-services",
        bad={"compute": {"count": 2}},
        says="compute.count: SageMaker chooses the instances of an AutoML job (remove it)",
    ),
    Case(
        rule="automl-instances-are-the-services",
        bad={"compute": {"fallback": [{"instance_type": "ml.m5.xlarge"}]}},
        says="compute.fallback: SageMaker chooses the instances of an AutoML job (remove it)",
    ),
    Case(
        rule="automl-has-no-program",
        bad={"environment": {"A": "b"}},
        says="environment: the containers of an AutoML job are SageMaker's own (remove it)",
    ),
    Case(
        rule="automl-has-no-program",
        bad={"source": {"dir": "code"}},
        says="source: the containers of an AutoML job are SageMaker's own (remove it)",
    ),
    Case(
        rule="automl-is-not-isolated",
        good={"network": {"vpc": False, "encrypt_traffic": True}},
        bad={"network": {"isolation": True}},
        says="network.isolation: an AutoML job has no such field (remove it; its VPC decides)",
    ),
    Case(
        rule="automl-candidates",
        good={"candidates": {"count": 750}},
        bad={**TEXT, "candidates": {"count": 2}},
        says="candidates.count: 2 are not allowed for text_classification (remove it)",
    ),
    Case(
        rule="automl-candidates-in-time",
        good={"limits": {"max_runtime": "1h"}},
        bad={"limits": {"max_runtime": "30m"}},
        says="candidates.max_runtime: 3600 s are longer than the job may take (1800 s, limits.max_runtime)",
    ),
]
_PROBLEMS = [
    Case(
        rule="automl-objective",
        good={"tabular": {"problem": "BinaryClassification"}, "objective": "F1"},
        bad={"tabular": {"problem": "Regression"}, "objective": "F1"},
        says="objective: F1 is no metric of Regression (one of MAE, MSE, R2, RMSE)",
    ),
    Case(
        rule="automl-objective",
        good={**series(), "objective": "WAPE"},
        bad={**IMAGES, "objective": "F1"},
        says="objective: F1 is no metric of image_classification (one of Accuracy)",
    ),
    Case(
        rule="automl-problem-and-objective",
        good={"tabular": {"problem": "Regression"}, "objective": "RMSE"},
        bad={"tabular": {"problem": "Regression"}},
        says="tabular.problem: it needs objective beside it (give both, or neither)",
    ),
    Case(
        rule="automl-problem-and-objective",
        bad={"objective": "RMSE"},
        says="objective: it needs tabular.problem beside it (give both, or neither)",
    ),
    Case(
        rule="automl-algorithms",
        good={"tabular": {"mode": "HYPERPARAMETER_TUNING", "algorithms": ["mlp"]}},
        bad={"tabular": {"mode": "ENSEMBLING", "algorithms": ["mlp"]}},
        says="tabular.algorithms: mlp is none of ENSEMBLING's (one of catboost, extra-trees, fastai, lightgbm, "
        "linear-learner, nn-torch, randomforest, xgboost)",
    ),
    Case(
        rule="automl-algorithms",
        bad={"tabular": {"algorithms": ["xgboost"]}},
        says="tabular.algorithms: the mode AUTO chooses its own (set tabular.mode to ENSEMBLING or "
        "HYPERPARAMETER_TUNING)",
    ),
    Case(
        rule="automl-algorithms",
        good=series(algorithms=["deepar", "ets"]),
        bad=series(algorithms=["xgboost"]),
        says="forecasting.algorithms: xgboost is none of forecasting's (one of cnn-qr, deepar, prophet, arima, npts, "
        "ets)",
    ),
    Case(
        rule="automl-weights",
        good={"tabular": {"mode": "ENSEMBLING", "weight": "counts"}},
        bad={"tabular": {"weight": "counts"}},
        says="tabular.weight: the mode AUTO may not use it (set tabular.mode to ENSEMBLING)",
    ),
    Case(
        rule="automl-columns-differ",
        good=TEXT,
        bad={"tabular": None, "text_classification": {"content": "text", "target": "text"}},
        says="text_classification.content: 'text' is its target already (name another)",
    ),
]
_SERIES = [
    Case(
        rule="automl-quantiles",
        good=series(quantiles=["p1", "p50", "p99"]),
        bad=series(quantiles=["p0"]),
        says="forecasting.quantiles: 'p0' is not allowed (p1 to p99, such as p50)",
    ),
    Case(
        rule="automl-quantiles",
        bad=series(quantiles=["p10", "p20", "p30", "p40", "p50", "p60"]),
        says="forecasting.quantiles: 6 are not allowed (5 or fewer)",
    ),
    Case(
        rule="automl-quantiles",
        bad=series(quantiles=["p50", "p50"]),
        says="forecasting.quantiles: p50 appears 2 times (remove one)",
    ),
    Case(
        rule="automl-groups",
        good=series(groups=["town", "kind"]),
        bad=series(groups=["shop"]),
        says="forecasting.groups: 'shop' has another part already (remove it)",
    ),
    Case(
        rule="automl-filling",
        good=series(filling={"sold": {"frontfill": "none", "backfill": "value", "backfill_value": "2"}}),
        bad=series(filling={"sold": {"backfill": "value"}}),
        says="forecasting.filling.sold.backfill: it needs the value beside it (backfill_value)",
    ),
    Case(
        rule="automl-filling",
        bad=series(filling={"price": {"frontfill": "none"}}),
        says="forecasting.filling.price.frontfill: only the target (sold) has it (remove it)",
    ),
    Case(
        rule="automl-filling",
        bad=series(filling={"price": {"middlefill": "guess"}}),
        says="forecasting.filling.price.middlefill: 'guess' is not allowed (one of zero, value, median, mean, min, "
        "max)",
    ),
    Case(
        rule="automl-aggregation",
        good=series(aggregation={"sold": "avg"}),
        bad=series(aggregation={"price": "avg"}),
        says="forecasting.aggregation.price: only the target (sold) can be aggregated (remove it)",
    ),
]
_DATA = [
    Case(
        rule="automl-channels",
        good={"inputs": {"validation": {"s3": "tables/judged/"}}},
        bad={"inputs": {"train": {"s3": "tables/more/"}}},
        says="inputs.train: no such channel for tabular (one of training, validation)",
    ),
    Case(
        rule="automl-channels",
        bad={**series(), "inputs": {"validation": {"s3": "tables/judged/"}}},
        says="inputs.validation: no such channel for forecasting (one of training)",
    ),
    Case(
        rule="automl-content-types",
        good=training(content_type=_PARQUET),
        bad=training(content_type="text/csv"),
        says=f"inputs.training.content_type: 'text/csv' is not read for tabular (one of {_CSV}, {_PARQUET})",
    ),
    Case(
        rule="automl-content-types",
        bad={"inputs": {"validation": {"s3": "tables/judged/", "content_type": _PARQUET}}},
        says=f"inputs: all inputs have one type, and these differ: training {_CSV}, validation {_PARQUET} "
        "(set content_type alike)",
    ),
    Case(
        rule="automl-data-types",
        good={**IMAGES, **training(s3="images/list.manifest", type="AugmentedManifestFile")},
        bad=training(s3="tables/list.manifest", type="AugmentedManifestFile"),
        says="inputs.training.type: AugmentedManifestFile is not read for tabular (S3Prefix, ManifestFile)",
    ),
    Case(
        rule="automl-compression",
        good=training(compression="Gzip"),
        bad={**TEXT, **training(compression="Gzip")},
        says="inputs.training.compression: a S3Prefix for text_classification cannot be compressed (decompress it, "
        "and remove this)",
    ),
    Case(
        rule="automl-split",
        good={"validation_fraction": 0.3},
        bad={"validation_fraction": 0.3, "inputs": {"validation": {"s3": "tables/judged/"}}},
        says="validation_fraction: candidates are judged by inputs.validation (remove one of them)",
    ),
    Case(
        rule="automl-split",
        bad={**series(), "validation_fraction": 0.3},
        says="validation_fraction: a forecast splits its data itself (remove it)",
    ),
    Case(
        rule="automl-input-is-whole",
        good=training(s3="tables/customers.csv"),
        bad=training(s3="tables/customers"),
        says="inputs.training.s3: 'tables/customers' also takes other names that begin so (end a folder in a slash: "
        "'tables/customers/')",
    ),
]
AUTOML = [*_JOBS, *_PROBLEMS, *_SERIES, *_DATA]
