"""The numbers in the log lines of programs that never heard of Shardyard."""

import math
import re

import pytest

from shardyard.spec.jobs.data import Metric
from shardyard.spec.jobs.log_metrics import LogMetrics
from shardyard.spec.jobs.metrics import (
    NOT_FINITE,
    NOT_FINITE_EPOCH,
    STANDARD_METRICS,
    metric_definitions,
    metric_regex,
    own_metrics,
)

LINES = {
    "ours": (
        "[rank 0] metric step=120 total_steps=500 loss=2.3125 tokens_per_second=8113.2",
        {"step": 120, "total_steps": 500, "loss": 2.3125, "tokens_per_second": 8113.2},
    ),
    "HF Trainer": (
        "[rank 0] {'loss': 0.6931, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 0.5}",
        {"loss": 0.6931, "grad_norm": 1.25, "learning_rate": 5e-05, "epoch": 0.5},
    ),
    "HF Trainer 5": (
        "{'loss': '0.6931', 'grad_norm': '1.25', 'learning_rate': '5e-05', 'epoch': '0.5'}",
        {"loss": 0.6931, "grad_norm": 1.25, "learning_rate": 5e-05, "epoch": 0.5},
    ),
    "HF evaluation": (
        "{'eval_loss': 0.31, 'eval_accuracy': 0.9, 'eval_runtime': 1.2, 'epoch': 1.0}",
        {"validation_loss": 0.31, "validation_accuracy": 0.9, "eval_runtime": 1.2, "epoch": 1.0},
    ),
    "HF summary": (
        "{'train_runtime': 12.3, 'train_samples_per_second': 81.5, 'train_loss': 0.44, 'epoch': 3.0}",
        {"train_runtime": 12.3, "samples_per_second": 81.5, "train_loss": 0.44, "epoch": 3.0},
    ),
    "Lightning": (
        "Epoch 1:  50%|█████     | 5/10 [00:00<00:00, 10.12it/s, v_num=0, train_loss=0.123]",
        {"epoch": 1, "step": 5, "total_steps": 10, "v_num": 0, "loss": 0.123},
    ),
    "Keras 3": (
        " 10/100 ━━━━━━━━━━━━━━━━━━━━ 0s 4ms/step - accuracy: 0.9012 - loss: 0.3321 - val_loss: 0.4",
        {"step": 10, "total_steps": 100, "accuracy": 0.9012, "loss": 0.3321, "validation_loss": 0.4},
    ),
    "Keras 2": (
        "10/100 [==>...........................] - ETA: 3s - loss: 0.3321 - accuracy: 0.9012",
        {"step": 10, "total_steps": 100, "accuracy": 0.9012, "loss": 0.3321},
    ),
    "plain": ("loss: 0.1", {"loss": 0.1}),
    "torch tutorial": (
        "Epoch [1/5], Step [100/600], Loss: 0.3",
        {"epoch": 1, "step": 100, "total_steps": 600, "loss": 0.3},
    ),
    "pytorch examples": (
        "Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.804\n".strip(),
        {"epoch": 1, "loss": 1.804},
    ),
    "pytorch examples, test": (
        "Test set: Average loss: 0.0563, Accuracy: 9824/10000 (98%)",
        {"average_loss": 0.0563, "accuracy": 0.9824},
    ),
    "nanoGPT": ("iter 10: loss 3.1234, time 12.34ms, mfu 1.25%", {"step": 10, "loss": 3.1234, "mfu": 0.0125}),
    "nanoGPT, evaluation": (
        "step 250: train loss 2.4874, val loss 2.5823",
        {"step": 250, "loss": 2.4874, "validation_loss": 2.5823},
    ),
    "minGPT": ("[RANK0] Epoch 1 | Iter 20 | Train Loss 4.2", {"epoch": 1, "step": 20, "loss": 4.2}),
    "tqdm": (
        " 10%|█         | 10/100 [00:01<00:09,  9.5it/s, loss=0.25]",
        {"step": 10, "total_steps": 100, "loss": 0.25},
    ),
    "a bar of the Trainer": (
        "[rank 0]  10%|█         | 10/100 [00:01<00:09,  9.5it/s]",
        {"step": 10, "total_steps": 100},
    ),
    "JSON": ('{"step": 10, "loss": 0.1, "msg": "ok"}', {"step": 10, "loss": 0.1}),
}
NOTHING = [
    "Step 1: unpack the data",
    "listening on port=8080",
    "Map: 100%|██████████| 25000/25000 [00:05<00:00, 4500 examples/s]",
    "2026-11-28 10:00:00 INFO lossless compression in 10 s",
    "metric of nothing",
    "date=2026-11-28 loss of signal at 10:30:00",
    "accelerate launch --num_processes 2",
]


@pytest.mark.parametrize("style", LINES)
def test_every_common_style_is_read(style: str) -> None:
    text, expected = LINES[style]
    assert LogMetrics().read(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", NOTHING)
def test_what_reports_nothing_is_left_alone(text: str) -> None:
    assert LogMetrics().read(text) == {}


@pytest.mark.parametrize("text", ["metric step=1 total=--", "metric date=2026-11-28", "metric a=1-2 b=.."])
def test_what_is_no_number_harms_nothing(text: str) -> None:
    assert LogMetrics().read(text).keys() <= {"step"}


@pytest.mark.parametrize("text", ["metric step=3 loss=nan", "iter 3: loss nan, time 1ms", "{'loss': nan, 'step': 3}"])
def test_a_loss_that_is_not_finite_is_a_value(text: str) -> None:
    found = LogMetrics().read(text)
    assert found["step"] == 3
    assert math.isnan(found["loss"])
    assert re.search(metric_regex("loss"), text) is None, "CloudWatch takes no NaN"


def test_a_jobs_own_patterns_come_first() -> None:
    reader = LogMetrics(own={"loss": r"perceptual=([\d.]+)", "step": r"^tick (\d+)"})
    assert reader.read("tick 7 loss=0.5 perceptual=0.25") == {"loss": 0.25, "step": 7, "perceptual": 0.25}


@pytest.mark.parametrize("style", LINES)
def test_cloudwatch_gets_the_same_numbers(style: str) -> None:
    """All but what it has no pattern for: shares and percentages, progress bars, names of the program's own."""
    text, expected = LINES[style]
    for name in ("loss", "validation_loss", "validation_accuracy", "learning_rate", "grad_norm", "epoch"):
        found = re.search(metric_regex(name), text)
        if name == "loss" and style == "HF summary":
            continue
        assert (None if found is None else float(found[1])) == expected.get(name), name


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("metric step=20 total_steps=40 loss=nan", "20"),
        ("iter 20: loss nan, time 12ms", "20"),
        ("{'step': 20, 'loss': inf}", "20"),
        ("metric step=20 loss=0.5 validation_loss=nan", None),
        ("metric step=20 loss=0.5", None),
    ],
)
def test_the_last_step_without_a_finite_loss_reaches_the_receipt(text: str, step: str | None) -> None:
    found = re.search(metric_regex(NOT_FINITE), text)
    assert (None if found is None else found[1]) == step


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("epoch 2: train_loss nan lr 0.003", "2"),
        ("Epoch [3/5], Loss: inf", "3"),
        ("Train Epoch: 4 [640/60000 (1%)]\tLoss: nan", "4"),
        ("epoch 2: train_loss 0.5 lr 0.003", None),
        ("epoch 2: loss 0.5 val_loss nan", None),
        ("metric step=20 loss=nan", None),
    ],
)
def test_the_last_epoch_without_a_finite_loss_reaches_the_receipt(text: str, epoch: str | None) -> None:
    found = re.search(metric_regex(NOT_FINITE_EPOCH), text)
    assert (None if found is None else found[1]) == epoch


def test_the_service_takes_every_pattern() -> None:
    assert len(metric_definitions()) <= 20, "half of the 40 that a job may have"
    for name in STANDARD_METRICS:
        assert len(metric_regex(name)) <= 500
        assert re.compile(metric_regex(name)).groups == 1
        assert metric_regex(name).count("(?") == metric_regex(name).count("(?:"), "what not every engine knows"


@pytest.mark.parametrize("text", ["mfu 1.25%", "accuracy: 9824/10000", "loss: 12ms", "loss: 1.2.3"])
def test_cloudwatch_gets_no_part_of_a_number(text: str) -> None:
    assert [name for name in STANDARD_METRICS if re.search(metric_regex(name), text)] == []


def test_an_own_metric_stands_in_for_the_standard_one() -> None:
    definitions = metric_definitions([Metric(name="loss", regex="L=(.+)")])
    assert [one["Regex"] for one in definitions if one["Name"] == "loss"] == ["L=(.+)"]
    assert len(definitions) == len(STANDARD_METRICS)
    assert own_metrics(definitions) == {"loss": "L=(.+)"}


def test_own_metrics_have_the_first_right_to_the_forty_places() -> None:
    own = [Metric(name=f"own{number}", regex="(.)") for number in range(38)]
    assert [one["Name"] for one in metric_definitions(own)] == ["step", "total_steps", *(one.name for one in own)]
