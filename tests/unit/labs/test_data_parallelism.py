"""Lab 4: what its clock makes of the times of buckets, and its network."""

import pytest
import torch

from tests.support.lab_code import load

LAB = "04-data-parallelism"


@pytest.mark.parametrize(
    ("times", "hidden"),
    [
        pytest.param([(0.0, 1.0)], 0.0, id="one bucket leaves when the last gradient is ready"),
        pytest.param([(0.0, 1.0), (3.0, 4.0)], 0.5, id="the first has arrived before the last leaves"),
        pytest.param([(0.0, 4.0), (3.0, 4.0)], 0.75, id="two that travel together count once"),
        pytest.param([(1.0, 2.0), (2.0, 2.5), (4.0, 4.5)], 0.75, id="waiting is no journey"),
    ],
)
def test_the_share_of_the_journey_that_hides(times: list[tuple[float, float]], hidden: float) -> None:
    clock = load(LAB, "overlap").Clock()
    clock.buckets = [{"bytes": 1, "ready": ready, "done": done} for ready, done in times]
    assert clock.hidden() == pytest.approx(hidden)


def test_the_network_is_that_of_the_public_lab() -> None:
    network = load(LAB, "network").make_network()
    assert [tuple(parameter.shape) for parameter in network.parameters()] == [(128, 784), (128,), (10, 128), (10,)]
    assert network(torch.zeros(2, 28, 28)).shape == (2, 10)
