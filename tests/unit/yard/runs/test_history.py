"""The loss of a run in a table: the last one, also where it is no number."""

import math

import pytest

from yard.runs.history import _loss


@pytest.mark.parametrize(
    ("metrics", "loss"),
    [
        ({"step": 40.0, "loss": 0.05, "not_finite_step": 40.0}, math.nan),
        ({"step": 40.0, "loss": 0.05, "not_finite_step": 20.0}, 0.05),
        ({"epoch": 2.0, "loss": 0.16, "not_finite_epoch": 2.0}, math.nan),
        ({"epoch": 3.0, "loss": 0.16, "not_finite_epoch": 2.0}, 0.16),
        ({"step": 40.0, "epoch": 2.0, "loss": 0.05, "not_finite_step": 20.0, "not_finite_epoch": 2.0}, 0.05),
        ({"not_finite_step": 1.0}, math.nan),
        ({"loss": 0.5}, 0.5),
        ({}, None),
    ],
)
def test_a_loss_that_ended_as_no_number_is_none(metrics: dict[str, float], loss: float | None) -> None:
    assert _loss(metrics) == pytest.approx(loss, nan_ok=True)
