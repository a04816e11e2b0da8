"""What a device could compute at best."""

import pytest
import torch

from shardyard.spec.instances import ACCELERATORS
from training.pytorch.flops import DENSE_BF16_TFLOPS, measure_flops, peak_flops


def test_the_table_is_the_catalogues() -> None:
    known = {
        name: one.tflops
        for name, one in ACCELERATORS.items()
        if one.bf16 and one.tflops is not None and not name.startswith("Trainium")
    }
    assert known == DENSE_BF16_TFLOPS


@pytest.mark.parametrize(
    ("name", "tflops"),
    [("NVIDIA H100 80GB HBM3", 989), ("NVIDIA A100-SXM4-40GB", 312), ("NVIDIA L40S", 362), ("NVIDIA L4", 121)],
)
def test_a_gpu_is_found_by_its_name(name: str, tflops: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    peak_flops.cache_clear()
    assert peak_flops(torch.device("cuda", 0)) == tflops * 1e12
    peak_flops.cache_clear()


def test_a_processor_is_measured() -> None:
    assert measure_flops(torch.device("cpu")) > 1e8
