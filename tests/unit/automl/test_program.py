"""The program, as a container runs it: alone, as one candidate, and to stack what others have trained."""

import csv
import itertools
import random
import re
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest

from contract.automl import FAMILIES, METRICS, OBJECTIVE
from training.automl.candidates import judge, loss, prepare
from training.automl.families import families
from training.automl.program import main
from training.automl.search import Found, _following, varied
from training.automl.stacking import choose, mean_of
from training.automl.table import Column, read_table


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder /opt/ml with a table: y follows a and the colour, with gaps; the rest says nothing."""
    folder = tmp_path / "input" / "data" / "train"
    folder.mkdir(parents=True)
    dice = random.Random(0)
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "colour", "day", "id", "same", "y"])
        for index in range(120):
            a, colour = dice.random(), dice.choice(["red", "blue"])
            label = "high" if a + (colour == "red") > 1 else "low"
            gap = "" if index % 10 == 0 else f"{a:.3f}"
            writer.writerow([gap, colour, f"2024-01-{index % 28 + 1:02d}", f"n{index}", "x", label])
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    return tmp_path


def test_alone_it_leaves_a_model_a_leaderboard_and_an_explanation(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--target", "y", "--minutes", "0.001", "--_tuning_objective_metric", OBJECTIVE]) == 0
    stack = joblib.load(base / "model" / "model.joblib")
    rows = {"a": ("0.9", None, "0.1"), "colour": ("red", "blue", "green"), "day": ("2024-01-01",) * 3}
    columns = [Column(name=one.name, kind=one.kind, values=rows[one.name]) for one in stack.columns]
    assert stack.predict(columns)[0] == "high" and set(stack.predict(columns)) <= {"high", "low"}
    assert np.allclose(stack.scores(columns).sum(axis=1), 1)
    board = list(csv.DictReader((base / "model" / "leaderboard.csv").open()))
    assert [row["rank"] for row in board] == [str(rank) for rank in range(1, len(board) + 1)]
    assert {"stack"} < {row["model"] for row in board}
    text = (base / "model" / "explanation.md").read_text()
    assert "| id | identifier | no: every row has another value |" in text and "| day | date |" in text
    counts = text[text.index("## What counts") :]
    assert counts.index("- colour:") < counts.index("- day:")
    assert "automl validation:accuracy=" in capsys.readouterr().out


def test_candidates_of_a_search_are_stacked_from_their_archives(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = base / "input" / "data" / "candidates"
    for number, arguments in enumerate((["linear", "--strength=1"], ["neighbours", "--count=7"])):
        assert main(["--target", "y", "--family", *arguments]) == 0
        (folder / f"job-{number}" / "output").mkdir(parents=True)
        with tarfile.open(folder / f"job-{number}" / "output" / "model.tar.gz", "w:gz") as archive:
            archive.add(base / "model" / "candidate.joblib", "candidate.joblib")
    capsys.readouterr()
    assert main(["--target", "y"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("stack of ") and "linear" in said and "neighbours" in said


def test_its_lines_are_found_by_the_metrics_of_the_contract(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "y", "--family", "linear", "--strength", "1"]) == 0
    said = capsys.readouterr().out
    assert float(re.search(METRICS[OBJECTIVE], said)[1]) > 0  # type: ignore[index]
    assert 0.5 < float(re.search(METRICS["validation:accuracy"], said)[1]) <= 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "z"], "error: there is no column 'z'"),
        (["--target", "y", "--family", "boosting", "--rate", "0.1"], "the family boosting needs --leaves, --strength"),
        (["--target", "y", "--channel", "test"], "the channel holds no CSV file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    base: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_every_family_learns_numbers_and_classes(base: Path) -> None:
    for target in ("y", "a"):
        data = prepare(read_table([base / "input" / "data" / "train" / "t.csv"], target))
        for family in families():
            assert set(family.guesses[0]) == {one.name for one in FAMILIES[family.name]}
            candidate = judge(data, family.name, family.guesses[0])
            assert np.isfinite(candidate.loss) and len(candidate.predictions) == len(data.values)


def test_a_stack_is_no_worse_than_its_best_member(base: Path) -> None:
    data = prepare(read_table([base / "input" / "data" / "train" / "t.csv"], "y"))
    candidates = [judge(data, "linear", {"strength": 1.0}), judge(data, "neighbours", {"count": 5})]
    members = choose(data, candidates)
    assert sum(member.weight for member in members) == pytest.approx(1)
    assert loss(data, mean_of(members)) <= min(one.loss for one in candidates) + 1e-9


def test_settings_near_others_stay_in_their_ranges() -> None:
    dice = random.Random(0)
    for family in families():
        settings = family.guesses[0]
        for _ in range(50):
            settings = varied(FAMILIES[family.name], settings, dice)
            assert all(one.low <= settings[one.name] <= one.high for one in FAMILIES[family.name])


def test_every_guess_of_quick_families_comes_before_slow_ones_take_the_time(base: Path) -> None:
    data = prepare(read_table([base / "input" / "data" / "train" / "t.csv"], "y"))
    spent: dict[str, float] = {}
    tried = []
    for name, settings in itertools.islice(_following(data, Found(), random.Random(0), spent, quick=1.0), 9):
        spent[name] = 0.1 if name in ("linear", "neighbours") else 5.0
        tried.append((name, dict(settings)))
    names = [name for name, _ in tried]
    assert names[:3] == ["linear"] * 3, "its first has shown that it is quick"
    assert names[3:7] == ["kernel", "neighbours", "neighbours", "boosting"]
    assert len({(name, str(settings)) for name, settings in tried}) == len(tried)
