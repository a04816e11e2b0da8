"""What an entry point says to who asked for what cannot be: the reason, with the value, and no traceback."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from contract.exit_codes import REFUSED
from training.launcher.endings.tracebacks import last_line
from training.programs import make_digits, make_events
from training.pytorch.programs import gpt, linear, mnist


@pytest.fixture(autouse=True)
def outside_of_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path / "ml"))
    monkeypatch.delenv("SM_CURRENT_HOST", raising=False)
    (tmp_path / "ml/input/data/train").mkdir(parents=True)
    (tmp_path / "ml/input/data/train/a.txt").write_text("some text " * 30)


def said(program: object, *arguments: str) -> str:
    with redirect_stderr(io.StringIO()) as printed, pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == REFUSED
    return "\n".join(line for line in printed.getvalue().splitlines() if ": error: " in line)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plan", "hsdp"], "gpt: error: shard_size is missing: the plan hsdp needs it (usually the ranks of a node)"),
        (["--microbatches", "3"], "gpt: error: microbatches is for pipeline_parallel above 1 (use accumulation)"),
        (["--pipeline_parallel", "2"], "gpt: error: pipeline_parallel 2 makes groups of 2 ranks, which do not divide"),
        (
            ["--batch_size", "99"],
            "gpt: error: 2 samples (context 128, of 300 tokens) do not fill one batch of 99 on",
        ),
        (
            ["--context", "999"],
            "gpt: error: 0 samples (context 999, of 300 tokens) do not fill one batch of 8 on each",
        ),
        (["--tokenizer", "/no/tokenizer.json"], "gpt: error: there is no tokenizer file /no/tokenizer.json"),
    ],
)
def test_a_gpt_that_cannot_be_says_why(arguments: list[str], message: str) -> None:
    assert said(gpt, *arguments).startswith(message)


def test_every_reason_has_its_line() -> None:
    lines = said(gpt, "--tensor_parallel", "3").splitlines()
    assert len(lines) == 4
    assert all(line.startswith("gpt: error: ") for line in lines)


def test_under_the_launcher_the_traceback_is_printed_for_the_failure_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SM_CURRENT_HOST", "algo-1")
    with pytest.raises(SystemExit) as ended:
        gpt.main(["--plan", "hsdp"])
    assert ended.value.code == REFUSED
    said = last_line(capsys.readouterr().err)
    assert said.startswith("training.pytorch.parallel.plan.PlanError: shard_size is missing: the plan hsdp needs it")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("learning_rate", "nan", "'nan' must be a number above 0"),
        ("learning_rate", "inf", "'inf' must be a number above 0"),
        ("learning_rate", "fast", "'fast' must be a number above 0"),
        ("timeout_seconds", "0", "'0' must be a number above 0"),
        ("checkpoint_seconds", "-1", "'-1' must be a number above 0"),
        ("seed", "-1", "'-1' must be a whole number, 0 or more"),
        ("warmup_steps", "-3", "'-3' must be a whole number, 0 or more"),
        ("weight_decay", "-1", "'-1' must be a number, 0 or more"),
        ("clip_norm", "nan", "'nan' must be a number, 0 or more"),
        ("batch_size", "\u00b2", "'\u00b2' must be a whole number above 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        gpt.main([f"--{option}", value])
    assert f"error: argument --{option}: {message}" in capsys.readouterr().err


def test_digits_that_are_none_are_refused() -> None:
    assert said(mnist).startswith("mnist: error: no digits among the channel's files (a.txt)")


def test_digits_whose_folder_is_missing_are_not_replaced_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_CHANNEL_TRAIN", "/no/digits")
    assert said(mnist).startswith("mnist: error: the job has no channel 'train'")


@pytest.mark.parametrize("program", [gpt, linear, mnist])
def test_a_pipe_is_refused_by_who_reads_files(program: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher names the folder of a pipe's channel too, and there is none."""
    monkeypatch.setenv("SM_INPUT_DATA_CONFIG", json.dumps({"train": {"TrainingInputMode": "Pipe"}}))
    monkeypatch.setenv("SM_CHANNEL_TRAIN", str(tmp_path / "ml/input/data/train"))
    (tmp_path / "ml/input/data/train/a.txt").unlink()
    (tmp_path / "ml/input/data/train").rmdir()
    name = program.__name__.rpartition(".")[2]
    assert said(program) == (
        f"{name}: error: the channel 'train' is in Pipe mode, and this program reads files: set the channel's mode to "
        "File or FastFile"
    )


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("tone,a\n1,2\nx,3\n4,5\n", "linear: error: {file}, below its line of names: could not convert string 'x'"),
        ("tone,a\n1,2\n4\n", "linear: error: {file}, below its line of names: the number of columns changed"),
        ("tone,a\n", "linear: error: {file} has no rows below its line of names"),
    ],
)
def test_rows_that_are_no_numbers_are_refused(rows: str, message: str, tmp_path: Path) -> None:
    for channel in ("train", "validation"):
        (tmp_path / "ml/input/data" / channel).mkdir(exist_ok=True)
        file = tmp_path / "ml/input/data" / channel / "a.csv"
        file.write_text(rows if channel == "validation" else "tone,a\n1,2\n3,4\n")
    (tmp_path / "ml/input/data/train/a.txt").unlink()
    assert said(linear, "--batch_size", "1").startswith(message.format(file=file))


def test_a_validation_channel_with_other_columns_is_refused(tmp_path: Path) -> None:
    for channel, rows in (("train", "tone,a\n1,2\n3,4\n"), ("validation", "tone,a,b\n1,2,3\n")):
        (tmp_path / "ml/input/data" / channel).mkdir(exist_ok=True)
        (tmp_path / "ml/input/data" / channel / "a.csv").write_text(rows)
    (tmp_path / "ml/input/data/train/a.txt").unlink()
    said_ = said(linear, "--batch_size", "1")
    assert said_ == "linear: error: the channel 'validation' has 2 features and 'train' has 1"


@pytest.mark.parametrize("program", [make_digits, make_events])
def test_a_file_where_the_folder_should_be_is_named(
    program: object, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(SystemExit):
        program.main([str(tmp_path / "taken")])
    assert f"{tmp_path / 'taken'} is a file; give a folder" in capsys.readouterr().err


def test_digits_are_not_cut_into_more_shards_than_there_are(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        make_digits.main([str(tmp_path), "--shards", "301"])
    assert "--shards is 301 and there are 300 digits to test with: at most 300" in capsys.readouterr().err
