"""What the hardware cannot do is refused, with what to choose instead."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

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


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """GPUs, and no smdistributed that was imported before or stays."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "smdistributed"]:
        del sys.modules[name]


def install_smddp(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """Packages of which the innermost, torch, holds these files."""
    inner = folder / "smdistributed/dataparallel/torch"
    inner.mkdir(parents=True)
    for name, text in files.items():
        (inner / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))


NOT_INSTALLED = "backend smddp is not installed (it is part of AWS's own images): using nccl\n"


@pytest.mark.usefixtures("gpus")
def test_smddp_falls_back_to_nccl_with_a_message(capsys: pytest.CaptureFixture) -> None:
    assert pick_backend(None) == "nccl"
    assert capsys.readouterr().err == ""
    assert pick_backend("smddp") == "nccl"
    assert capsys.readouterr().err == NOT_INSTALLED


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("parts", ["smdistributed/modelparallel", "smdistributed/dataparallel/tensorflow"])
def test_another_library_of_the_same_name_is_no_smddp(
    parts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / parts).mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert pick_backend("smddp") == "nccl"
    assert capsys.readouterr().err == NOT_INSTALLED


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import missing_of_smddp", "No module named 'missing_of_smddp'"),
        ("raise ImportError('undefined symbol: ncclX')", "undefined symbol: ncclX"),
        ("raise OSError('libsmddp.so: cannot open shared object file')", "libsmddp.so: cannot open shared object file"),
    ],
)
def test_a_broken_smddp_falls_back_to_nccl_and_says_what_is_broken(
    text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    install_smddp(tmp_path, monkeypatch, torch_smddp=text)
    assert pick_backend("smddp") == "nccl"
    assert capsys.readouterr().err == f"backend smddp cannot be imported ({why}): using nccl\n"


@pytest.mark.usefixtures("gpus")
def test_smddp_is_used_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    install_smddp(tmp_path, monkeypatch, torch_smddp="")
    assert pick_backend("smddp") == "smddp"
    assert "smdistributed.dataparallel.torch.torch_smddp" in sys.modules
    assert capsys.readouterr().err == ""
