"""One worker with several devices, as with all GPUs of its node: two parts of a processor stand for them."""

from typing import Any

import pytest

from tests.support.training.tensorflow import run_case

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each run has learnt."""
    found: dict[str, Any] = run_case("replicas", tmp_path_factory.mktemp("replicas"))
    return found


def test_two_devices_learn_what_one_learns_from_the_same_batches(learnt: dict[str, Any]) -> None:
    one, two = learnt["one"], learnt["two"]
    assert len(one["losses"]) > 1 and one["losses"].keys() == two["losses"].keys()
    for step, loss in one["losses"].items():
        assert two["losses"][step] == pytest.approx(loss, abs=1e-5), step
    assert two["accuracy"] == one["accuracy"]


def test_a_run_on_two_devices_goes_on_bit_by_bit(learnt: dict[str, Any]) -> None:
    whole, first, second = (learnt[name] for name in ("whole", "first", "second"))
    assert first["losses"] and second["losses"]
    assert first["losses"] | second["losses"] == whole["losses"]
    assert second["weights"] == whole["weights"]
    assert whole["losses"] != learnt["two"]["losses"], "dropout counts"
