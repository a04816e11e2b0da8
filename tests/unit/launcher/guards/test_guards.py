"""What the guards read in a program's lines, and in the stacks of ranks that stand still."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training.launcher.guards.stacks import Place, describe, place_of
from training.launcher.guards.watch import Ages, Limits, Watch

CHILD: Any = SimpleNamespace(name="rank 1")


def watch(tmp_path: Path, *lines: str, step: float = 1.0) -> Watch:
    made = Watch(Limits(silence=100.0, step=step, stop_on_nan=True), tmp_path)
    made.listen(CHILD, [f"{line}\n".encode() for line in lines])
    return made


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("metric step=7 total_steps=9 loss=nan", "nan"),
        ("{'loss': nan, 'grad_norm': 1.0}", "nan"),
        ('{"step": 10, "loss": NaN}', "nan"),
        ("iter 10: loss nan, time 12.34ms", "nan"),
        ("Epoch [1/5], Step [100/600], Loss: inf", "inf"),
        ("10/100 [..] 4ms/step - accuracy: 0.90 - loss: nan", "nan"),
        ("Train Loss: -inf", "-inf"),
        ("train_loss=nan", "nan"),
    ],
)
def test_a_loss_that_is_no_number_is_seen_in_every_style(tmp_path: Path, line: str, value: str) -> None:
    said = watch(tmp_path, line).not_finite
    assert said.startswith(f"the loss is {value}") and said.endswith(", as rank 1 printed (stop_on_nan)")


@pytest.mark.parametrize(
    "line",
    [
        "metric step=7 loss=0.5",
        "validation loss: nan",
        "val_loss=nan",
        "closs: nan",
        "loss: nancy",
        "loss information follows",
        "the loss may be nan",
        "grad_norm=nan loss=0.5",
    ],
)
def test_what_is_a_number_or_no_loss_of_training_is_left_alone(tmp_path: Path, line: str) -> None:
    assert watch(tmp_path, line).not_finite == ""


@pytest.mark.parametrize(
    "line",
    ["metric step=7 loss=1", "iter 7: loss 1", "{'loss': 1, 'step': 7}", "Step [7/60]", "50%|##  | 7/14 [00:01<"],
)
def test_a_step_is_seen_in_every_style(tmp_path: Path, line: str) -> None:
    seen = watch(tmp_path, line)
    assert seen.ages().moved >= 0
    assert seen.overdue(Ages(heard=0.0, moved=2.0)) == "the step 7 has been the same for 2 s (longest_step)"


def test_a_program_without_steps_has_none_that_stays_the_same(tmp_path: Path) -> None:
    seen = watch(tmp_path, "loading", "still loading")
    assert seen.ages().moved == -1.0
    assert seen.overdue(Ages(heard=0.0, moved=-1.0)) == ""


DUMP = """\
Thread 0x00007f7e0dd1d6c0 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 982 in run

Current thread 0x00007f7e0e873b80 (most recent call first):
{frames}  File "/opt/ml/code/train.py", line 41 in step
  File "/opt/ml/code/train.py", line 60 in <module>
  File "<frozen runpy>", line 88 in _run_code
"""
COLLECTIVE = (
    '  File "/env/lib/python3.11/site-packages/torch/distributed/distributed_c10d.py", line 2601 in all_reduce\n'
)
COORDINATED = '  File "/env/lib/python3.11/site-packages/tensorflow/python/training/server_lib.py", line 161 in join\n'
GRAPH = '  File "/env/lib/python3.11/site-packages/tensorflow/python/eager/execute.py", line 53 in quick_execute\n'
BACKWARD = '  File "/env/lib/python3.11/site-packages/torch/autograd/graph.py", line 829 in _engine_run_backward\n'
LIBRARY = '  File "/env/lib/python3.11/site-packages/numpy/lib/npyio.py", line 9 in load\n'


@pytest.mark.parametrize(
    ("frames", "waits"),
    [("", False), (LIBRARY, False), (COLLECTIVE, True), (BACKWARD, True), (COORDINATED, True), (GRAPH, True)],
)
def test_a_ranks_place_is_its_own_innermost_line(frames: str, waits: bool) -> None:
    place = place_of("printed before\n" + DUMP.format(frames=frames))
    assert place == Place(where='File "/opt/ml/code/train.py", line 41 in step', waits=waits)


def test_whoever_does_not_wait_is_named_first() -> None:
    waits, stuck = Place(where="W", waits=True), Place(where="S", waits=False)
    hosts = {"rank 2": "algo-1", "rank 9": "algo-1", "worker 3": "algo-1", "rank 10": "algo-2"}
    assert describe({"rank 2": waits, "rank 9": waits, "worker 3": waits, "rank 10": stuck}, hosts) == (
        "rank 10 on algo-2 is at S; 3 of 4 ranks wait in a collective"
    )
    assert describe({"rank 10": waits, "rank 2": waits}, hosts) == (
        "rank 2 on algo-1 is at W; rank 10 on algo-2 is at W; all 2 ranks wait for one another"
    )
    assert describe({"rank 2": Place(where="", waits=False)}, hosts) == (
        "it is at a place that is not known, since it wrote no stack"
    )


def test_a_program_that_only_writes_is_spoken_for_in_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model").mkdir()
    seen = Watch(Limits(silence=1.0, step=0.0, stop_on_nan=False), tmp_path)
    for _ in range(25):
        time.sleep(0.1)
        (tmp_path / "model/weights").write_text("w")
        assert seen.overdue(seen.ages()) == ""
    assert capfd.readouterr().err.count("but results are being written: the run goes on") >= 2


def test_a_file_of_a_result_counts_as_a_word_of_its_age(tmp_path: Path) -> None:
    """Each node looks at its own before it tells the others how long ago it was heard."""
    (tmp_path / "checkpoints/step").mkdir(parents=True)
    seen = Watch(Limits(silence=1.0, step=0.0, stop_on_nan=False), tmp_path)
    time.sleep(0.7)
    assert seen.ages().heard >= 0.7
    (tmp_path / "checkpoints/step/weights").write_text("w")
    assert seen.ages().heard < 0.3
    time.sleep(1.1)
    assert seen.ages().heard >= 1.1 and "longest_silence" in seen.overdue(seen.ages())
