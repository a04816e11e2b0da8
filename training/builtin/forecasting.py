"""DeepAR, by torch: a recurrent network reads a series step by step and says how the next value is distributed."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.builtin.job import Job, Matrix, UserError
from training.builtin.likelihoods import LIKELIHOODS, drawn
from training.builtin.scores import say
from training.builtin.series import Series, read_series

WEIGHTS, ABOUT = "deepar.pt", "deepar.json"
_CALENDAR = 4
_NONE = ("ignore", "")
"""Categories, or features, are in the data and not to be used."""
_QUANTILES = "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a network is made by."""

    context: int
    horizon: int
    time_freq: str
    likelihood: str
    cells: int
    layers: int
    dropout: float
    cardinality: tuple[int, ...]
    """How many values each category has."""
    embedding: int
    features: int

    @property
    def window(self) -> int:
        """The steps that are looked at together."""
        return self.context + self.horizon


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """Parts of series of the same length: what was before each step, what is known of it, and its value."""

    before: Tensor
    known: Tensor
    categories: Tensor
    values: Tensor
    """NaN where a value is missing, or before the series begins."""
    scale: Tensor


class Network(nn.Module):
    """Long short-term memory over the steps of a window."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.likelihood = LIKELIHOODS[shape.likelihood]
        self.embeddings = nn.ModuleList(nn.Embedding(count, shape.embedding) for count in shape.cardinality)
        width = 1 + _CALENDAR + shape.features + shape.embedding * len(shape.cardinality)
        dropout = shape.dropout if shape.layers > 1 else 0.0
        self.memory = nn.LSTM(width, shape.cells, shape.layers, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(shape.dropout)
        self.head = nn.Linear(shape.cells, self.likelihood.numbers)

    def forward(
        self, before: Tensor, known: Tensor, categories: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The numbers of each step's distribution, and the memory after the last."""
        steps = before.shape[1]
        told = [one(categories[:, place]) for place, one in enumerate(self.embeddings)]
        inputs = [before[..., None], known, *(one[:, None, :].expand(-1, steps, -1) for one in told)]
        hidden, state = self.memory(torch.cat(inputs, dim=-1), state)
        return self.head(self.dropout(hidden)), state


def train(job: Job) -> None:
    """Train, keep the best epoch, and forecast the end of each series of the test channel."""
    series = read_series(job, "train")
    shape = _shape(job, series)
    _check(series, "train", shape, 1)
    torch.manual_seed(0)
    network = Network(shape)
    _fit(job, network, shape, series)
    if job.has("test"):
        test = read_series(job, "test")
        _check(test, "test", shape, shape.horizon + 1)
        _score(job, network, shape, test)
    torch.save(network.state_dict(), job.model / WEIGHTS)
    (job.model / ABOUT).write_text(json.dumps(asdict(shape)))


def load(weights: Path, about: Path) -> tuple[Network, Shape]:
    """A network that `train` has written."""
    said = json.loads(about.read_text())
    shape = Shape(**{**said, "cardinality": tuple(said["cardinality"])})
    network = Network(shape)
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network, shape


def _shape(job: Job, series: Sequence[Series]) -> Shape:
    first = series[0]
    most = [1 + max(one.categories[place] for one in series) for place in range(len(first.categories))]
    said = job.text("cardinality", "auto")
    given = most if said == "auto" else [] if said in _NONE else json.loads(said)
    if len(given) > len(most) or any(count > known for count, known in zip(most, given, strict=False)):
        raise UserError(f"cardinality is {said}, and cat of the channel train needs {most}")
    return Shape(
        context=job.whole("context_length", low=1),
        horizon=job.whole("prediction_length", low=1),
        time_freq=job.text("time_freq"),
        likelihood=job.text("likelihood", "student-T", choices=tuple(LIKELIHOODS)),
        cells=job.whole("num_cells", 40, low=1),
        layers=job.whole("num_layers", 2, low=1),
        dropout=job.number("dropout_rate", 0.1, low=0, high=1),
        cardinality=tuple(given),
        embedding=job.whole("embedding_dimension", 10, low=1),
        features=_feature_count(job, len(first.features)),
    )


def _feature_count(job: Job, found: int) -> int:
    said = job.text("num_dynamic_feat", "auto")
    if said == "auto" or said in _NONE:
        return found if said == "auto" else 0
    if job.whole("num_dynamic_feat", low=1) != found:
        raise UserError(f"num_dynamic_feat is {said}, and the series of the channel train have {found}")
    return found


def _check(series: Sequence[Series], channel: str, shape: Shape, least: int) -> None:
    for number, one in enumerate(series, start=1):
        values = torch.from_numpy(one.target[~np.isnan(one.target)])
        if len(one.target) < least or not len(values):
            raise UserError(
                f"series {number} of the channel {channel} has {len(one.target)} values, of which "
                f"{len(one.target) - len(values)} are missing; it needs {least} at least, and one that is there"
            )
        if not bool(LIKELIHOODS[shape.likelihood].fits(values).all()):
            raise UserError(
                f"series {number} of the channel {channel} has values that the "
                f"likelihood {shape.likelihood} cannot have"
            )


def cut(shape: Shape, places: Sequence[tuple[Series, int]], scaled: bool) -> Windows:
    """The windows whose forecasts begin at these places; around a series there are no values."""
    size = shape.window
    values = np.full((len(places), size + 1), math.nan, dtype=np.float32)
    known = np.zeros((len(places), size, _CALENDAR + shape.features), dtype=np.float32)
    for row, (one, place) in enumerate(places):
        begin, end = place - shape.context, min(place + shape.horizon, len(one.target))
        kept = one.target[max(begin - 1, 0) : end]
        at = max(begin - 1, 0) - (begin - 1)
        values[row, at : at + len(kept)] = kept
        told = np.concatenate([one.calendar, one.features[: shape.features].T], axis=1)
        told = told[max(begin, 0) : place + shape.horizon]
        known[row, max(-begin, 0) : max(-begin, 0) + len(told)] = told
    observed = np.abs(values[:, 1 : shape.context + 1])
    counted = np.maximum((~np.isnan(observed)).sum(axis=1), 1)
    scale = 1 + np.nansum(observed, axis=1) / counted if scaled else np.ones(len(places))
    categories = np.array([one.categories[: len(shape.cardinality)] for one, _ in places], dtype=np.int64)
    return Windows(
        before=torch.from_numpy(np.nan_to_num(values[:, :-1]) / scale[:, None]).float(),
        known=torch.from_numpy(known),
        categories=torch.from_numpy(categories.reshape(len(places), -1)),
        values=torch.from_numpy(values[:, 1:]),
        scale=torch.from_numpy(scale).float(),
    )


def _fit(job: Job, network: Network, shape: Shape, series: Sequence[Series]) -> None:
    epochs, size = job.whole("epochs", low=1), job.whole("mini_batch_size", 128, low=1)
    said = job.hyperparameters.get("early_stopping_patience")
    patience = epochs if said is None else job.whole("early_stopping_patience", low=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=job.number("learning_rate", 0.001, low=0))
    dice = np.random.default_rng(0)
    per_epoch = max(len(series), sum(len(one.target) for one in series) // shape.window)
    best, found, kept = math.inf, 0, network.state_dict()
    for epoch in range(epochs):
        chosen = dice.integers(len(series), size=per_epoch)
        places = [(series[one], _place(dice, series[one], shape)) for one in chosen]
        losses = [_step(network, shape, optimizer, places[at : at + size]) for at in range(0, per_epoch, size)]
        loss = float(np.mean(losses))
        if not math.isfinite(loss):
            raise UserError(f"the training has diverged in epoch {epoch}: lower learning_rate, or scale the target")
        print(f"#quality_metric: host=algo-1, epoch={epoch}, train loss <loss>={loss:.10g}", flush=True)
        if loss < best:
            best, found = loss, epoch
            kept = {name: weight.clone() for name, weight in network.state_dict().items()}
        elif epoch - found >= patience:
            print(f"Loss has not improved for {patience} epochs.", flush=True)
            break
    network.load_state_dict(kept)
    print(f"Final loss: {best:.10g} (occurred at epoch {found})", flush=True)
    say("train", "final_loss", best, is_loss=True)


def _place(dice: np.random.Generator, one: Series, shape: Shape) -> int:
    """Where a forecast may begin: all of its steps have happened, and one was before them if the series is so long."""
    return int(dice.integers(1, max(2, len(one.target) - shape.horizon + 1)))


def _step(
    network: Network, shape: Shape, optimizer: torch.optim.Optimizer, places: Sequence[tuple[Series, int]]
) -> float:
    network.train()
    likelihood = network.likelihood
    windows = cut(shape, places, likelihood.scaled)
    raw, _ = network(windows.before, windows.known, windows.categories)
    here = ~torch.isnan(windows.values)
    scale = windows.scale[:, None].expand_as(windows.values)
    loss = -likelihood.of(raw[here], scale[here]).log_prob(windows.values[here]).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def forecast(network: Network, shape: Shape, windows: Windows, samples: int) -> Tensor:
    """Paths of each window's last steps, each step drawn after the one before: windows, samples, steps."""
    network.eval()
    likelihood, context = network.likelihood, shape.context
    _, state = network(windows.before[:, :context], windows.known[:, :context], windows.categories)
    count = len(windows.scale)
    state = (state[0].repeat_interleave(samples, 1), state[1].repeat_interleave(samples, 1))
    scale = windows.scale.repeat_interleave(samples)
    categories = windows.categories.repeat_interleave(samples, 0)
    last, drawn_steps = windows.before[:, context].repeat_interleave(samples), []
    for step in range(context, shape.window):
        known = windows.known[:, step : step + 1].repeat_interleave(samples, 0)
        raw, state = network(last[:, None], known, categories, state)
        value = drawn(likelihood, likelihood.of(raw[:, 0], scale))
        drawn_steps.append(value)
        last = value / scale
    return torch.stack(drawn_steps, dim=-1).reshape(count, samples, shape.horizon)


def _score(job: Job, network: Network, shape: Shape, series: Sequence[Series]) -> None:
    samples = job.whole("num_eval_samples", 100, low=1)
    quantiles: list[float] = json.loads(job.text("test_quantiles", _QUANTILES))
    places = [(one, len(one.target) - shape.horizon) for one in series]
    size = job.whole("mini_batch_size", 128, low=1)
    parts = []
    for at in range(0, len(places), size):
        windows = cut(shape, places[at : at + size], network.likelihood.scaled)
        parts.append(forecast(network, shape, windows, samples).numpy())
    paths, truth = np.concatenate(parts), np.stack([one.target[-shape.horizon :] for one in series])
    here = ~np.isnan(truth)
    if not here.any():
        raise UserError(f"the last {shape.horizon} values of every series of the channel test are missing")
    lost = [_quantile_loss(np.quantile(paths, one, axis=1)[here], truth[here], one) for one in quantiles]
    for one, loss in zip(quantiles, lost, strict=True):
        print(f"#test_score (algo-1, wQuantileLoss[{one}]): {loss:.10g}", flush=True)
    error = float(np.sqrt(((paths.mean(axis=1) - truth)[here] ** 2).mean()))
    say("test", "RMSE", error, is_loss=True)
    say("test", "mean_wQuantileLoss", float(np.mean(lost)), is_loss=True)


def _quantile_loss(said: Matrix, truth: Matrix, quantile: float) -> float:
    """Twice what was wrong with a quantile, in shares of all that happened."""
    below = np.maximum(truth - said, 0) * quantile + np.maximum(said - truth, 0) * (1 - quantile)
    return float(2 * below.sum() / max(np.abs(truth).sum(), 1e-12))
