"""SageMaker's built-in algorithms that have a stand-in: by whose images they are known, and what they report."""

from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Algorithm:
    """One algorithm with a stand-in."""

    name: str
    repositories: tuple[str, ...]
    """The names of its repositories in the registries of AWS."""
    metrics: Mapping[str, str]
    """What the service reads from its log without being asked, by regular expressions."""

    @property
    def sentence(self) -> str:
        """What the stand-in says first."""
        return (
            f"This is no built-in algorithm of Amazon SageMaker: the program training.builtin of Shardyard stands in "
            f"for {self.name} on the embedded cloud."
        )


def _xgboost_metrics() -> dict[str, str]:
    names = ("rmse", "mae", "logloss", "error", "auc", "merror", "mlogloss", "aucpr", "map", "ndcg")
    return {
        f"{part}:{name}": rf".*\[[0-9]+\].*#011{part}-{name}:{_NUMBER}.*"
        for name in names
        for part in ("train", "validation")
    }


def _scored(**lines: str) -> dict[str, str]:
    return {name.replace("__", ":"): rf"#quality_metric: host=\S+, {line}={_NUMBER}" for name, line in lines.items()}


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(name="xgboost", repositories=("sagemaker-xgboost", "xgboost"), metrics=_xgboost_metrics()),
        Algorithm(
            name="linear-learner",
            repositories=("linear-learner",),
            metrics=_scored(
                train__objective_loss="train objective_loss <loss>",
                validation__objective_loss="validation objective_loss <loss>",
                test__objective_loss="test objective_loss <loss>",
                validation__binary_classification_accuracy="validation binary_classification_accuracy <score>",
                validation__multiclass_accuracy="validation multiclass_accuracy <score>",
                validation__mse="validation mse <loss>",
                validation__rmse="validation rmse <loss>",
                validation__r2="validation r2 <score>",
                test__binary_classification_accuracy="test binary_classification_accuracy <score>",
                test__multiclass_accuracy="test multiclass_accuracy <score>",
                test__mse="test mse <loss>",
            ),
        ),
        Algorithm(
            name="factorization-machines",
            repositories=("factorization-machines",),
            metrics=_scored(
                train__rmse="train rmse <loss>",
                test__rmse="test rmse <loss>",
                train__binary_classification_accuracy="train binary_classification_accuracy <score>",
                test__binary_classification_accuracy="test binary_classification_accuracy <score>",
                test__binary_classification_cross_entropy="test binary_classification_cross_entropy <loss>",
            ),
        ),
        Algorithm(
            name="kmeans",
            repositories=("kmeans",),
            metrics=_scored(train__msd="train msd <loss>", test__msd="test msd <loss>", test__ssd="test ssd <loss>"),
        ),
        Algorithm(
            name="blazingtext",
            repositories=("blazingtext",),
            metrics={f"{part}:accuracy": rf"#{part}_accuracy: {_NUMBER}" for part in ("train", "validation")},
        ),
        Algorithm(
            name="deepar",
            repositories=("forecasting-deepar",),
            metrics={
                "train:loss": rf"#quality_metric: host=\S+, epoch=\d+, train loss <loss>={_NUMBER}",
                **_scored(
                    train__final_loss="train final_loss <loss>",
                    test__RMSE="test RMSE <loss>",
                    test__mean_wQuantileLoss="test mean_wQuantileLoss <loss>",
                ),
            },
        ),
    )
}


def algorithm_of(repository: str) -> Algorithm | None:
    """The algorithm of a repository's name; None for one that has no stand-in."""
    return next((one for one in ALGORITHMS.values() if repository in one.repositories), None)
