"""XGBoost, by its own package: the hyperparameters go to it as they are, and the model is the file that it writes."""

from typing import Any

import xgboost

from training.builtin.job import Job, UserError

_OWN = frozenset(
    {"num_round", "early_stopping_rounds", "csv_weights", "_tuning_objective_metric", "save_model_on_termination"}
)
_FIXED = frozenset({"predict", "process_type", "refresh_leaf"})


def train(job: Job) -> None:
    """Train, with a line per round as the container prints it."""
    rounds = job.whole("num_round", low=1)
    parameters: dict[str, Any] = {
        name: value for name, value in job.hyperparameters.items() if name not in _OWN | _FIXED
    }
    metric = job.hyperparameters.get("_tuning_objective_metric", "").partition(":")[2]
    if metric:
        given = [one for one in parameters.get("eval_metric", "").split(",") if one]
        # the last metric decides of early stopping: the one that is tuned for
        parameters["eval_metric"] = [*(one for one in given if one != metric), metric]
    elif "," in parameters.get("eval_metric", ""):
        parameters["eval_metric"] = parameters["eval_metric"].split(",")
    tables = {name: job.read(name) for name in ("train", "validation") if name == "train" or job.has(name)}
    width = max(one.matrix.shape[1] for one in tables.values())
    tables = {name: job.read(name, width=width) for name in tables}
    watched = [(xgboost.DMatrix(one.matrix, label=one.labels), name) for name, one in tables.items()]
    patience = job.hyperparameters.get("early_stopping_rounds")
    if patience is not None and len(watched) < 2:
        raise UserError("early_stopping_rounds needs the channel validation")
    try:
        model = xgboost.train(
            parameters,
            watched[0][0],
            num_boost_round=rounds,
            evals=watched,
            early_stopping_rounds=None if patience is None else job.whole("early_stopping_rounds", low=1),
            callbacks=[_Lines()],
            verbose_eval=False,
        )
    except xgboost.core.XGBoostError as error:
        raise UserError(str(error).splitlines()[0]) from error
    model.save_model(job.model / "xgboost-model.json")
    (job.model / "xgboost-model.json").rename(job.model / "xgboost-model")


class _Lines(xgboost.callback.TrainingCallback):
    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """A line as in CloudWatch, where a tab is #011."""
        figures = [
            f"#011{part}-{name}:{values[-1]:.5f}"
            for part, metrics in evals_log.items()
            for name, values in metrics.items()
        ]
        print(f"[{epoch}]{''.join(figures)}", flush=True)
        return False
