"""What is refused of checkpoints, and that the launcher starts nothing again after it."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from contract.exit_codes import REFUSED
from contract.refusal import is_refusal
from training.data import s3
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.process_group import Ranks
from training.pytorch.programs import gpt
from training.saves.unfit import Unfit


def start(folder: Path | str, model: nn.Module | None = None, **changes: object) -> Checkpointer:
    """A run of one step that is saved, or goes on from what is there."""
    net = nn.Linear(2, 1) if model is None else model
    parts = {"optimizer": torch.optim.SGD(net.parameters(), lr=0.1), "ranks": Ranks(), "run_id": "run", **changes}
    with Checkpointer(model=net, folder=folder, **parts) as checkpoints:
        checkpoints.restore()
        checkpoints.after_step(1)
    return checkpoints


def in_a_file(folder: Path) -> None:
    (folder / "file").touch()
    start(folder / "file")


def read_only(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:  # root may write everywhere
        patch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
        start(folder)


def no_package(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "training.data.s3_client", raising=False)
        patch.setitem(sys.modules, "s3torchconnectorclient", None)
        s3.client.cache_clear()
        start("s3://bucket/a")


def more_state(folder: Path) -> None:
    start(folder)
    net = nn.Linear(2, 1)
    start(folder, also={"sampler": torch.optim.SGD(net.parameters(), lr=0.1)})


def another_model(folder: Path) -> None:
    start(folder)
    start(folder, nn.Linear(3, 1))


def another_optimizers(folder: Path) -> None:
    start(folder, optimizer=torch.optim.SGD(nn.Linear(5, 4).parameters(), lr=0.1))


def unrestorable(folder: Path) -> None:
    net = nn.Linear(2, 1)
    start(folder, net, optimizer=torch.optim.LBFGS(net.parameters()))


REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file": (in_a_file, r"checkpoints cannot be kept in .*/file/run: Not a directory; SHARDYARD_CHECKPOINT_DIR"),
    "read-only": (read_only, r"checkpoints cannot be kept in .*/run: Permission denied; SHARDYARD_CHECKPOINT_DIR"),
    "no package": (
        no_package,
        r"checkpoints cannot be kept in s3://bucket/a/run: .* package s3torchconnectorclient",
    ),
    "no bucket": (lambda folder: start("s3:///a"), "checkpoints cannot be kept in s3:///a/run: .* names no bucket"),
    "only s3": (lambda folder: start("s3://"), "the folder for checkpoints is 's3://', without a bucket: s3://bucket/"),
    "no folder": (lambda folder: start(""), "the folder for checkpoints is an empty string: name one, or None"),
    "no run id": (lambda folder: start(folder, run_id="a/b"), "run id 'a/b' cannot name a folder"),
    "interval": (lambda folder: start(folder, every_steps=0), "every_steps is 0 and must be above 0"),
    "more state": (
        more_state,
        r"step-00000001-g1 has no state of 'sampler': it has \[\]: go on with what it was saved with, or start under "
        "another run id$",
    ),
    "another model": (another_model, r"step-00000001-g1 has model.weight as \[1, 2\], which is \[1, 3\] here"),
    "another's optimizer": (another_optimizers, r"the optimizer has a parameter of shape \[4, 5\] that the model does"),
    "unrestorable": (unrestorable, "the state of LBFGS cannot be restored: use another optimizer"),
    "odd numbers": (
        lambda folder: start(folder, nn.Linear(2, 1, dtype=torch.complex128)),
        "model.weight is of torch.complex128, which a checkpoint cannot hold",
    ),
}


@pytest.mark.parametrize(("refused", "message"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused_is_not_started_again(refused: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=f"^{message}") as error:
        refused(tmp_path)
    assert is_refusal(error.value)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("host", [None, "algo-1"])
def test_an_entry_point_names_it_without_a_traceback_and_under_the_launcher_with_one(
    host: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("some text " * 30)
    for name, value in (("SM_CHANNEL_TRAIN", tmp_path), ("SAGEMAKER_BASE_DIR", tmp_path)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("SM_CURRENT_HOST", raising=False)
    if host is not None:
        monkeypatch.setenv("SM_CURRENT_HOST", host)
    with pytest.raises(SystemExit) as ended:
        gpt.main(["--max_steps", "1", "--context", "8", "--checkpoint_folder", str(tmp_path / "a.txt")])
    assert ended.value.code == REFUSED
    said = capsys.readouterr().err
    before = "gpt: error: " if host is None else r"training.saves.unfit.Unfit: "
    assert re.search(rf"^{before}checkpoints cannot be kept in .*/a.txt/", said, re.MULTILINE)
    assert ("Traceback" in said) == (host is not None)
