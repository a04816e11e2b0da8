"""What the hardware cannot do is refused, with what to choose instead."""

import pytest
import torch

from training.pytorch import hardware
from training.pytorch.hardware import Unsupported, check_precision, pick_backend, refuse_emulated_bf16


@pytest.mark.parametrize(("name", "capability"), [("Tesla V100-SXM2-16GB", (7, 0)), ("Tesla T4", (7, 5))])
def test_bf16_is_refused_where_it_is_emulated(name: str, capability: tuple[int, int]) -> None:
    with pytest.raises(Unsupported, match=f"{name} has compute capability .* bf16 needs 8.0 or more"):
        refuse_emulated_bf16(name, capability)


@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (9, 0), (10, 0)])
def test_bf16_is_taken_where_the_hardware_has_it(capability: tuple[int, int]) -> None:
    refuse_emulated_bf16("GPU", capability)


def test_a_cpu_takes_both_precisions_and_no_others() -> None:
    assert check_precision("bf16", torch.device("cpu")) is torch.bfloat16
    assert check_precision("fp32", torch.device("cpu")) is torch.float32
    with pytest.raises(Unsupported, match="precision 'fp16' is not known: use fp32 or bf16"):
        check_precision("fp16", torch.device("cpu"))


def test_without_gpus_it_is_gloo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_backend(None) == "gloo"
    assert pick_backend("nccl") == "gloo"
    assert "backend nccl needs GPUs and there are none: using gloo" in capsys.readouterr().err


def test_smddp_falls_back_to_nccl_with_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_backend(None) == "nccl"
    assert pick_backend("smddp") == "nccl"
    assert "smddp is not installed" in capsys.readouterr().err


def test_smddp_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(hardware.importlib, "import_module", imported.append)
    assert pick_backend("smddp") == "smddp"
    assert imported == ["smdistributed.dataparallel.torch.torch_smddp"]
