"""Lab 3: the events that it makes, and what its program reads of them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

CODE = Path(__file__).resolve().parents[3] / "labs/03-data-distribution/code"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"lab_3_{name}", CODE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


make_events, tone = load("make_events"), load("tone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_events.main([str(tmp_path), "--rows", "500"])
    return tmp_path


def test_each_year_has_more_events_than_the_one_before(folder: Path) -> None:
    counts = [len(path.read_text().splitlines()) for path in sorted((folder / "train").iterdir())]
    assert len(counts) == 5
    assert counts == sorted(set(counts))
    assert [path.name for path in (folder / "test").iterdir()] == ["1984.csv"]


def test_the_same_seed_makes_the_same_file(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    make_events.main([str(again), "--rows", "500"])
    assert (again / "train/1981.csv").read_bytes() == (folder / "train/1981.csv").read_bytes()


def test_the_program_reads_what_is_made_and_drops_rows_without_a_place(folder: Path) -> None:
    file = folder / "train/1979.csv"
    events = tone.read_events([file])
    lines = [line.split("\t") for line in file.read_text().splitlines()]
    placed = [line for line in lines if float(line[make_events.PLACES[0]])]
    assert 0 < len(events.codes) == len(placed) < len(lines)
    assert events.numbers[0, 0] == pytest.approx(float(placed[0][make_events.TONE]))


def test_a_rare_code_has_no_column(folder: Path) -> None:
    events = tone.read_events([folder / "train/1979.csv"])
    features, tones = tone.features_of(events, events.codes[:1])
    assert features.shape == (len(events.codes), 5 + tone.CODES)
    assert len(tones) == len(events.codes)
    has = torch.tensor([code == events.codes[0] for code in events.codes])
    assert (features[:, 5:].sum(1) == has).all()


def test_a_file_of_another_kind_is_refused_with_its_line(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("tone,articles\n1.5,2\n")
    with pytest.raises(tone.NotEvents, match=r"other\.csv, line 1: 1 columns between tabs, and an event has 57"):
        tone.read_events([other])
