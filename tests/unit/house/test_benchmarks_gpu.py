"""The benchmark for GPUs, as far as a CPU can run it."""

from collections.abc import Callable

import pytest
import torch

from benchmarks import gpu
from training.pytorch.models.flops import Peak
from training.pytorch.process_group import Ranks


def test_without_a_gpu_it_says_so_and_succeeds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main() == 0
    assert capsys.readouterr().out == "this machine has no GPU: nothing to measure\n"


def test_both_loops_are_measured_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    for name in ("ours", "bare"):
        made = getattr(gpu, name)
        monkeypatch.setattr(gpu, name, lambda *given, name=name, made=made: order.append(name) or made(*given))
    for name, value in (("WARMUP", 0), ("STEPS", 1), ("ROUNDS", 2)):
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(gpu, "peak_flops", lambda device, dtype: Peak(flops=1e12, source="a table"))
    ours, bare, ratio, used, _ = gpu.measure("toy", 1, Ranks(), compiled=False)
    assert order == ["ours", "bare"] * 2
    assert ratio.value == pytest.approx(ours.value / bare.value)
    assert used.value == pytest.approx(100 * ours.value * gpu.PRESETS["toy"].flops_per_token / 1e12)


@pytest.mark.parametrize(("fits", "found"), [(32, 32), (9, 8), (1, 1), (0, 0)])
def test_a_batch_is_halved_until_it_fits(monkeypatch: pytest.MonkeyPatch, fits: int, found: int) -> None:
    released = []
    monkeypatch.setattr(gpu, "release_memory", lambda: released.append(True))  # collects the whole heap's garbage

    def ways(batch: int) -> dict[str, Callable[[], Callable[[], None]]]:
        def step() -> None:
            if batch > fits:
                raise torch.OutOfMemoryError

        return {"ours": lambda: step, "bare": lambda: step}

    assert gpu.batch_that_fits(ways, 32) == found
    assert released, "between two batches"
