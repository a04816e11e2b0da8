"""Factorization Machines, by a stochastic gradient descent of our own: pairs of features by factors of each."""

from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

from training.builtin.job import Job, Labelled, Matrix, UserError
from training.builtin.scores import say

FILE = "factorization-machines.npz"
_KINDS = ("regressor", "binary_classifier")
_RATES = {"bias_lr": 0.1, "linear_lr": 0.001, "factors_lr": 0.0001}


class Machine:
    """The weights: of all rows, of each feature, and of each pair of features by their factors."""

    def __init__(self, width: int, factors: int, spread: float) -> None:
        dice = np.random.default_rng(0)
        self.bias = np.zeros(1)
        self.linear = np.zeros(width)
        self.factors = dice.normal(0, spread, (width, factors))

    def raw(self, rows: Matrix) -> Matrix:
        """The value of each row before it becomes a probability."""
        sums = rows @ self.factors
        pairs = (sums**2 - rows**2 @ self.factors**2).sum(axis=1) / 2
        return np.asarray(self.bias[0] + rows @ self.linear + pairs)

    def gradients(self, rows: Matrix, error: Matrix) -> list[Matrix]:
        """Of the mean error of the rows, in the order of the weights."""
        count = len(rows)
        sums = rows @ self.factors
        factors = rows.T @ (error[:, None] * sums) - self.factors * ((rows**2).T @ error)[:, None]
        return [np.array([error.mean()]), rows.T @ error / count, factors / count]


def train(job: Job) -> None:
    """Train, and score the test channel."""
    kind = job.text("predictor_type", choices=_KINDS)
    width = job.whole("feature_dim", low=1)
    count = job.whole("num_factors", low=2, high=1000)
    learn = job.read("train", width=width)
    if learn.matrix.shape[1] != width:
        raise UserError(f"feature_dim is {width}, and the rows of the channel train have {learn.matrix.shape[1]}")
    if kind == "binary_classifier" and not set(np.unique(learn.labels)) <= {0.0, 1.0}:
        raise UserError("the labels of a binary_classifier must be 0 and 1")
    machine = Machine(width, count, job.number("factors_init_sigma", 0.001, low=0))
    if kind == "regressor":
        machine.bias[:] = learn.labels.mean()
    size = job.whole("mini_batch_size", 1000, low=1)
    rates = [
        job.number(f"{part}_lr", usual, low=0)
        for part, usual in (("bias", 0.1), ("linear", 0.001), ("factors", 0.0001))
    ]
    for _ in range(job.whole("epochs", 1, low=1)):
        _epoch(machine, kind, learn, size, rates)
    _score(machine, kind, "train", learn)
    if job.has("test"):
        _score(machine, kind, "test", job.read("test", width=width))
    np.savez(job.model / FILE, kind=kind, bias=machine.bias, linear=machine.linear, factors=machine.factors)


def load(path: Path) -> tuple[Machine, str]:
    """A machine that `train` has written, and which of the kinds it is."""
    with np.load(path) as kept:
        width, count = kept["factors"].shape
        machine = Machine(width, count, 0.0)
        machine.bias, machine.linear, machine.factors = kept["bias"], kept["linear"], kept["factors"]
        return machine, str(kept["kind"])


def _epoch(machine: Machine, kind: str, learn: Labelled, size: int, rates: list[float]) -> None:
    moments = [np.zeros_like(part) for part in (machine.bias, machine.linear, machine.factors)]
    for start in range(0, len(learn.labels), size):
        rows, labels = learn.matrix[start : start + size], learn.labels[start : start + size]
        error = predicted(machine, kind, rows) - labels
        parts = (machine.bias, machine.linear, machine.factors)
        for part, gradient, rate, moment in zip(parts, machine.gradients(rows, error), rates, moments, strict=True):
            moment *= 0.9
            moment += gradient
            part -= rate * moment
    if not np.isfinite(machine.raw(learn.matrix[:1])).all():
        raise UserError("the training has diverged: lower bias_lr, linear_lr and factors_lr, or scale the features")


def predicted(machine: Machine, kind: str, rows: Matrix) -> Matrix:
    """The number of each row; of a classifier the probability of 1."""
    raw = machine.raw(rows)
    return raw if kind == "regressor" else np.asarray(1 / (1 + np.exp(-np.clip(raw, -60, 60))))


def _score(machine: Machine, kind: str, part: str, rows: Labelled) -> None:
    said = predicted(machine, kind, rows.matrix)
    if kind == "regressor":
        say(part, "rmse", float(mean_squared_error(rows.labels, said)) ** 0.5, is_loss=True)
        return
    say(part, "binary_classification_accuracy", float(accuracy_score(rows.labels, said > 0.5)), is_loss=False)
    loss = float(log_loss(rows.labels, said, labels=[0, 1]))
    say(part, "binary_classification_cross_entropy", loss, is_loss=True)
