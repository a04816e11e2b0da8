"""A good and a bad job for each rule about built-in algorithms, with the exact refusal."""

from typing import Any

from tests.support.spec.rule_cases import Case
from tests.support.spec.spec_tables import over

XGBOOST: dict[str, Any] = {
    "image": {"folder": None, "builtin": "xgboost"},
    "program": None,
    "compute": {"instance_type": "ml.m5.xlarge"},
    "channels": {"train": {"s3": "tables/train/", "content_type": "text/csv"}},
    "hyperparameters": {"num_round": 10},
}
RANGES = {"eta": {"type": "continuous", "min": 0.1, "max": 0.5}}
SEARCH = {
    "objective": {"metric": "validation:auc", "goal": "Maximize"},
    "ranges": RANGES,
    "max_jobs": 4,
}


def xgboost(**tables: Any) -> dict[str, Any]:
    """A small job of XGBoost with tables laid over it."""
    return over(XGBOOST, tables)


def _search(**tables: Any) -> dict[str, Any]:
    return xgboost(tuning=over(SEARCH, tables))


KMEANS = xgboost(image={"builtin": "kmeans"}, hyperparameters={"num_round": None, "k": 3, "feature_dim": 4})
LINEAR = xgboost(
    image={"builtin": "linear-learner"}, hyperparameters={"num_round": None, "predictor_type": "regressor"}
)

CASES = [
    Case(
        rule="builtin-brings-its-own",
        good=xgboost(),
        bad=xgboost(metrics=[{"name": "auc", "regex": "auc:(.+)"}]),
        says="metrics: the algorithm xgboost brings its own (remove it)",
    ),
    Case(
        rule="builtin-version",
        good=xgboost(image={"version": "1.7-1"}),
        bad=xgboost(image={"version": "9.9-9"}),
        says="image.version: xgboost 9.9-9 is not on the list of 2026-11-30 "
        "(1.2-1, 1.2-2, 1.3-1, 1.5-1, 1.7-1, 3.0-5, 3.2-0)",
    ),
    Case(
        rule="builtin-channels",
        good=xgboost(channels={"validation": {"s3": "tables/validation/"}}),
        bad=xgboost(channels={"test": {"s3": "tables/test/"}}),
        says="channels.test: xgboost does not read it (train, validation)",
    ),
    Case(
        rule="builtin-channels",
        bad=xgboost(channels={"train": None}),
        says="channels.train: missing; xgboost reads it",
    ),
    Case(
        rule="builtin-data",
        good=xgboost(channels={"train": {"content_type": "text/csv; label_size=1"}}),
        bad=xgboost(channels={"train": {"content_type": "image/png"}}),
        says="channels.train.content_type: xgboost does not read image/png (text/csv, csv, text/libsvm, libsvm, "
        "text/x-libsvm, application/x-parquet, application/x-recordio-protobuf)",
    ),
    Case(
        rule="builtin-data",
        bad=xgboost(channels={"train": {"mode": "FastFile"}}),
        says="channels.train.mode: xgboost does not take FastFile (File, Pipe)",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=xgboost(hyperparameters={"booster": "dart"}),
        bad=xgboost(hyperparameters={"num_round": None}),
        says="hyperparameters.num_round: missing; xgboost needs it",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=xgboost(
            hyperparameters={"num_round": None},
            tuning=over(SEARCH, {"ranges": {"num_round": {"type": "integer", "min": 1, "max": 9}}}),
        ),
        bad=xgboost(hyperparameters={"booster": "forest"}),
        says="hyperparameters.booster: 'forest' is not allowed (gbtree, gblinear, dart)",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=xgboost(hyperparameters={"eta": "1e-1", "max_depth": 0, "tree_method": "hist", "unknown": "x"}),
        bad=xgboost(hyperparameters={"eta": 1.5}),
        says="hyperparameters.eta: '1.5' is not allowed (a number from 0 to 1)",
    ),
    Case(
        rule="builtin-hyperparameters",
        bad=xgboost(hyperparameters={"num_round": 2.5}),
        says="hyperparameters.num_round: '2.5' is not allowed (a whole number from 1)",
    ),
    Case(
        rule="builtin-hyperparameters",
        bad=xgboost(hyperparameters={"subsample": 0}),
        says="hyperparameters.subsample: '0' is not allowed (a number above 0 up to 1)",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=xgboost(hyperparameters={"objective": "multi:softmax", "num_class": 3}),
        bad=xgboost(hyperparameters={"objective": "multi:softmax"}),
        says="hyperparameters.num_class: missing; xgboost needs it for multi:softmax",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=over(LINEAR, {"hyperparameters": {"wd": "auto", "use_bias": True, "normalize_data": "False"}}),
        bad=over(LINEAR, {"hyperparameters": {"wd": "some"}}),
        says="hyperparameters.wd: 'some' is not allowed (a number from 0, or auto)",
    ),
    Case(
        rule="builtin-hyperparameters",
        good=_search(retrain={"enabled": True, "hyperparameters": {"num_round": 50}}),
        bad=_search(retrain={"enabled": True, "hyperparameters": {"num_round": 0}}),
        says="tuning.retrain.hyperparameters.num_round: '0' is not allowed (a whole number from 1)",
    ),
    Case(
        rule="builtin-hyperparameters",
        bad=_search(definitions=[{"name": "a", "hyperparameters": {"eta": 2}}, {"name": "b"}]),
        says="tuning.definitions[0].hyperparameters.eta: '2' is not allowed (a number from 0 to 1)",
    ),
    Case(
        rule="builtin-ranges",
        good=_search(ranges={"max_depth": {"type": "categorical", "values": [3, 6]}}),
        bad=_search(ranges={"eta": {"max": 2}}),
        says="tuning.ranges.eta.max: '2.0' is not allowed (a number from 0 to 1)",
    ),
    Case(
        rule="builtin-ranges",
        bad=_search(ranges={"max_depth": {"type": "categorical", "values": [3, "deep"]}}),
        says="tuning.ranges.max_depth.values: 'deep' is not allowed (a whole number from 0)",
    ),
    Case(
        rule="builtin-ranges",
        good=_search(),
        bad=_search(ranges={"seed": {"type": "integer", "min": 1, "max": 9}}),
        says="tuning.ranges.seed: xgboost cannot tune it; known: alpha, colsample_bylevel, colsample_bynode, "
        "colsample_bytree, eta, gamma, lambda, max_delta_step, max_depth, min_child_weight, num_round, subsample",
    ),
    Case(
        rule="builtin-ranges",
        bad=_search(ranges={"max_depth": {"type": "continuous", "min": 1, "max": 9}}),
        says="tuning.ranges.max_depth.type: continuous is not allowed (integer)",
    ),
    Case(
        rule="builtin-objective",
        good=_search(objective={"metric": "validation:rmse", "goal": "Minimize"}),
        bad=_search(objective={"metric": "validation:auk"}),
        says="tuning.objective.metric: xgboost has no metric 'validation:auk'; did you mean 'validation:auc'?",
    ),
    Case(
        rule="builtin-objective",
        bad=_search(objective={"goal": "Minimize"}),
        says="tuning.objective.goal: Minimize would look for the worst validation:auc (Maximize)",
    ),
    Case(
        rule="builtin-instances",
        good=xgboost(compute={"count": 3}),
        bad=over(KMEANS, {"compute": {"count": 2}}),
        says="compute.count: kmeans trains on one instance (1)",
    ),
]
