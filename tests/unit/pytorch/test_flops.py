"""What a device could compute at best, and where that number is from."""

import pytest
import torch

from shardyard.spec.catalogue.instances import ACCELERATORS
from training.pytorch.models import flops
from training.pytorch.models.flops import DENSE_BF16_TFLOPS, measure_flops, peak_flops

GPU = torch.device("cuda", 0)


def test_the_table_is_the_catalogues() -> None:
    known = {
        name: one.tflops
        for name, one in ACCELERATORS.items()
        if one.bf16 and one.tflops is not None and not name.startswith("Trainium")
    }
    assert known == DENSE_BF16_TFLOPS


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """The precisions in which a GPU that is not there has been measured: it reaches 5 TFLOP/s."""
    asked: list[torch.dtype] = []
    monkeypatch.setattr(flops, "measure_flops", lambda device, dtype: asked.append(dtype) or 5e12)
    return asked


@pytest.mark.parametrize(
    ("name", "known", "tflops"),
    [
        ("NVIDIA H100 80GB HBM3", "H100", 989),
        ("NVIDIA A100-SXM4-40GB", "A100", 312),
        ("NVIDIA L40S", "L40S", 362),
        ("NVIDIA L4", "L4", 121),
    ],
)
def test_a_gpus_bf16_is_found_by_its_name(
    name: str, known: str, tflops: int, measured: list[torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    peak = peak_flops(GPU, torch.bfloat16)
    assert peak.flops == tflops * 1e12
    assert str(peak) == f"{tflops} TFLOP/s a rank (dense bf16 of {known} in NVIDIA's data sheet)"
    assert measured == []


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA B300 SXM6 AC",
        "NVIDIA GB200",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "NVIDIA H100 PCIe",
        "NVIDIA H100 NVL",
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    ],
)
def test_a_gpu_that_the_table_does_not_know_is_measured(
    name: str, measured: list[torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    peak = peak_flops(GPU, torch.bfloat16)
    assert (peak.flops, measured) == (5e12, [torch.bfloat16])
    assert str(peak) == "5 TFLOP/s a rank (the fastest of some bf16 matrix products here)"


def test_fp32_is_not_held_against_the_peak_of_bf16(
    measured: list[torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    peak = peak_flops(GPU, torch.float32)
    assert (peak.flops, measured) == (5e12, [torch.float32])
    assert peak.source == "the fastest of some fp32 matrix products here"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_processor_is_measured_in_the_precision_asked_for(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    ones, made = torch.ones, []
    monkeypatch.setattr(torch, "ones", lambda *size, **how: made.append(how["dtype"]) or ones(*size, **how))
    assert measure_flops(torch.device("cpu"), dtype) > 1e8
    assert made == [dtype]


def test_the_fastest_product_counts_and_is_two_operations_a_term(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 4.0, 10.0, 10.5, *(float(second) for second in range(20, 36))])
    monkeypatch.setattr(flops.time, "perf_counter", lambda: next(ticks))
    assert measure_flops(torch.device("cpu"), torch.float32) == 2 * 768**3 / 0.5
