"""Rules about what an AutoML job learns."""

from collections.abc import Iterator, Mapping

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.rules.automl.jobs import API
from shardyard.spec.rules.base import Facts, rule

METRICS: Mapping[str, tuple[str, ...]] = {
    "Regression": ("MAE", "MSE", "R2", "RMSE"),
    "BinaryClassification": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    "text_classification": ("Accuracy",),
    "image_classification": ("Accuracy",),
    "forecasting": ("RMSE", "AverageWeightedQuantileLoss", "MASE", "MAPE", "WAPE"),
}
"""What candidates can be compared by, for each problem."""
ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "ENSEMBLING": (
        *("catboost", "extra-trees", "fastai", "lightgbm", "linear-learner", "nn-torch", "randomforest", "xgboost"),
    ),
    "HYPERPARAMETER_TUNING": ("linear-learner", "mlp", "xgboost"),
    "forecasting": ("cnn-qr", "deepar", "prophet", "arima", "npts", "ets"),
}
"""What can be chosen from, for each mode, and for series."""


@rule(
    "automl-objective",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: AutoMLJobObjective, its list of metrics for each problem",
)
def automl_objective(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """The objective is one that the problem has."""
    kind = spec.problem if spec.tabular is None else spec.tabular.problem
    if spec.objective is None or kind is None:
        return
    if spec.objective not in METRICS[kind]:
        yield Problem("objective", f"{spec.objective} is no metric of {kind} (one of {', '.join(METRICS[kind])})")


@rule(
    "automl-problem-and-objective",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: ProblemType, `You must either specify the type of supervised learning problem in ProblemType and "
    "provide the AutoMLJobObjective metric, or none at all`",
)
def automl_problem_and_objective(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """A table has both a problem and an objective, or neither."""
    if spec.tabular is None or (spec.tabular.problem is None) == (spec.objective is None):
        return
    if spec.tabular.problem is None:
        yield Problem("objective", "it needs tabular.problem beside it (give both, or neither)")
    else:
        yield Problem("tabular.problem", "it needs objective beside it (give both, or neither)")


@rule(
    "automl-algorithms",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: AutoMLAlgorithms, and CandidateGenerationConfig, `should not be set when the training mode "
    "AutoMLJobConfig.Mode is set to AUTO`",
)
def automl_algorithms(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Algorithms are those of the mode, which is then not AUTO, or those for series."""
    table, mode = ("tabular", "") if spec.tabular is None else ("tabular", spec.tabular.mode)
    chosen = () if spec.tabular is None else spec.tabular.algorithms
    if spec.forecasting is not None:
        table, mode, chosen = "forecasting", "forecasting", spec.forecasting.algorithms
    if chosen and mode == "AUTO":
        modes = " or ".join(name for name in ALGORITHMS if name != "forecasting")
        yield Problem("tabular.algorithms", f"the mode AUTO chooses its own (set tabular.mode to {modes})")
        return
    for name in chosen:
        if name not in ALGORITHMS[mode]:
            message = f"{name} is none of {mode}'s (one of {', '.join(ALGORITHMS[mode])})"
            yield Problem(f"{table}.algorithms", message)


@rule(
    "automl-weights",
    of=AutoMLSpec,
    reason="SageMaker would not use them.",
    source=f"{API}: SampleWeightAttributeName, `Support for sample weights is available in Ensembling mode only`",
)
def automl_weights(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Rows have weights in the mode ENSEMBLING alone."""
    table = spec.tabular
    if table is not None and table.weight is not None and table.mode != "ENSEMBLING":
        yield Problem("tabular.weight", f"the mode {table.mode} may not use it (set tabular.mode to ENSEMBLING)")


@rule(
    "automl-columns-differ",
    of=AutoMLSpec,
    reason="A column would be predicted from itself, and SageMaker refuses the request.",
    source=f"{API}: ContentColumn, `It should not be the same as the target column`; TimeSeriesConfig",
)
def automl_columns_differ(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Each column has one part: target, content, weight, time, series."""
    for table in (spec.tabular, spec.text_classification, spec.forecasting):
        if table is None:
            continue
        parts = ("target", "content", "weight", "timestamp", "item")
        taken: dict[str, str] = {}
        for part in parts:
            column = getattr(table, part, None)
            if column is not None and column in taken:
                yield Problem(f"{spec.problem}.{part}", f"{column!r} is its {taken[column]} already (name another)")
            elif column is not None:
                taken[column] = part
