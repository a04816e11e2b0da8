"""Linear Learner, by scikit-learn: regression, two classes, many classes."""

import json

import joblib
import numpy as np
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from training.builtin.job import Job, Labelled, UserError
from training.builtin.scores import say

FILE, ABOUT = "linear-learner.joblib", "linear-learner.json"
_KINDS = ("regressor", "binary_classifier", "multiclass_classifier")


def train(job: Job) -> None:
    """Train, and score each channel."""
    kind = job.text("predictor_type", choices=_KINDS)
    learn = job.read("train")
    expected = job.hyperparameters.get("feature_dim", "auto")
    if expected not in ("auto", str(learn.matrix.shape[1])):
        raise UserError(f"feature_dim is {expected}, and the rows of the channel train have {learn.matrix.shape[1]}")
    _check_classes(job, kind, learn)
    model = _model(job, kind)
    model.fit(np.nan_to_num(learn.matrix), learn.labels)
    for part in ("train", "validation", "test"):
        if part == "train" or job.has(part):
            _score(model, kind, part, job.read(part))
    joblib.dump(model, job.model / FILE)
    classes = job.whole("num_classes") if kind == "multiclass_classifier" else 2
    (job.model / ABOUT).write_text(json.dumps({"predictor_type": kind, "num_classes": classes}))


def _check_classes(job: Job, kind: str, learn: Labelled) -> None:
    found = np.unique(learn.labels)
    if kind == "binary_classifier" and not set(found) <= {0.0, 1.0}:
        raise UserError(
            f"the labels of a binary_classifier must be 0 and 1, not {', '.join(f'{one:g}' for one in found[:5])}"
        )
    if kind == "multiclass_classifier":
        count = job.whole("num_classes", low=3, high=1_000_000)
        if found.min() < 0 or found.max() >= count or not np.all(found == found.astype(int)):
            raise UserError(f"the labels of a multiclass_classifier must be whole numbers from 0 to {count - 1}")
    if kind != "regressor" and len(found) < 2:
        raise UserError("the channel train has one label only: there is nothing to tell apart")


def _model(job: Job, kind: str) -> Pipeline:
    ridge = 0.0 if job.text("wd", "auto") == "auto" else job.number("wd", low=0)
    lasso = 0.0 if job.text("l1", "auto") == "auto" else job.number("l1", low=0)
    strength, share = ridge + lasso, lasso / (ridge + lasso) if ridge + lasso else 0.0
    epochs = job.whole("epochs", 15, low=1)
    if kind == "regressor":
        return make_pipeline(
            StandardScaler(), ElasticNet(alpha=max(strength, 1e-8), l1_ratio=share, max_iter=100 * epochs)
        )
    weight = 1e6 if strength == 0 else 1 / strength
    solver = "lbfgs" if share == 0 else "saga"
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=weight, l1_ratio=share, solver=solver, max_iter=100 * epochs)
    )


def _score(model: Pipeline, kind: str, part: str, rows: Labelled) -> None:
    matrix = np.nan_to_num(rows.matrix)
    predicted = model.predict(matrix)
    if kind == "regressor":
        error = float(mean_squared_error(rows.labels, predicted))
        say(part, "objective_loss", error, is_loss=True)
        say(part, "mse", error, is_loss=True)
        say(part, "rmse", error**0.5, is_loss=True)
        say(part, "r2", float(r2_score(rows.labels, predicted)), is_loss=False)
        return
    loss = float(log_loss(rows.labels, model.predict_proba(matrix), labels=model.classes_))
    say(part, "objective_loss", loss, is_loss=True)
    name = "binary_classification_accuracy" if kind == "binary_classifier" else "multiclass_accuracy"
    say(part, name, float(accuracy_score(rows.labels, predicted)), is_loss=False)
