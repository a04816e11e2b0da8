"""The frame of the labs: cells, figures with ranges, tables, pictures, cost."""

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from labs.frame import competition, cost, machines, pages, pictures, places, project
from labs.frame.errors import LabError
from labs.frame.notebooks import cells_of_notebook, cells_of_script, notebook
from labs.frame.places import ROOT, Place
from labs.frame.results import Figure, Results, number, read

SCRIPT = """\
# %% [markdown]
# # A title
#
# A text.
# %%
value = 6

print(value * 7)
"""


def test_a_script_becomes_a_notebook_and_its_cells_come_back(tmp_path: Path) -> None:
    made = tmp_path / "lab.ipynb"
    made.write_text(notebook(SCRIPT))
    assert cells_of_notebook(made) == cells_of_script(SCRIPT)
    text, code = cells_of_script(SCRIPT)
    assert (text.kind, text.source) == ("markdown", "# A title\n\nA text.")
    assert (code.kind, code.source) == ("code", "value = 6\n\nprint(value * 7)")
    content = json.loads(made.read_text())
    assert [cell.get("outputs") for cell in content["cells"]] == [None, []]
    assert content["nbformat"] == 4


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import os\n# %%\n", "before the first cell"),
        ("# %% [markdown]\nx = 1\n", "line 2 of a text cell is no comment"),
        ("# %% parameters\n", "a cell begins with"),
    ],
)
def test_a_script_that_is_no_notebook_is_refused_with_its_line(script: str, says: str) -> None:
    with pytest.raises(LabError, match=says):
        cells_of_script(script)


def ran(tmp_path: Path, source: str) -> "subprocess.CompletedProcess[str]":
    made = tmp_path / "lab.ipynb"
    made.write_text(notebook(source))
    command = [sys.executable, "-m", "labs.frame.running", str(made)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_cells_run_in_one_namespace_from_top_to_bottom(tmp_path: Path) -> None:
    done = ran(tmp_path, f"{SCRIPT}# %%\nprint(value + 1)\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n\n")[-1].split() == ["42", "7"]


def test_a_failing_cell_ends_it_and_shows_the_line(tmp_path: Path) -> None:
    done = ran(tmp_path, "# %%\ndef fail():\n    raise ValueError('three')\n# %%\nfail()\n# %%\nprint('after')\n")
    assert done.returncode == 1
    assert "after" not in done.stdout
    assert "cell 2>" in done.stderr and "raise ValueError('three')" in done.stderr
    assert "running.py" not in done.stderr


def figure(value: float, **limits: float) -> Figure:
    return Figure(value=value, unit="s", says="time", at_least=limits.get("at_least"), at_most=limits.get("at_most"))


def test_a_figure_outside_of_its_range_is_written_and_fails(tmp_path: Path) -> None:
    results = Results(folder=tmp_path)
    results.add_figure("short", figure(3, at_least=2, at_most=4))
    with pytest.raises(LabError, match=r"long \(time\) is 5 s; the lab states at most 4\."):
        results.add_figure("long", figure(5, at_most=4))
    with pytest.raises(LabError, match="at least 6"):
        results.add_figure("less", figure(5, at_least=6))
    with pytest.raises(LabError, match="nothing"):
        results.add_figure("nothing", figure(float("nan"), at_least=0))
    assert list(read(tmp_path).figures) == ["short", "long", "less", "nothing"]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    results = Results(folder=tmp_path, run={"day": "2026-01-01"})
    results.add_figure("a", figure(1.5, at_most=2))
    results.add_table("t", [{"name": "x", "value": 1}])
    results.add_picture("p.svg")
    assert read(tmp_path) == results
    with pytest.raises(LabError, match="same columns"):
        results.add_table("u", [{"a": 1}, {"b": 1}])
    with pytest.raises(LabError, match="needs rows"):
        results.add_table("u", [])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(places, "LABS", tmp_path)
    made = Place(name="09-ninth")
    made.folder.mkdir()
    results = Results(folder=made.folder, run={"day": "2026-01-01", "seconds": 61})
    results.add_figure("a", figure(1234.5, at_most=2000))
    results.add_table("nodes", [{"node": "algo-1", "rows": 1000}, {"node": "algo-2", "rows": 12.345}])
    return made


def test_a_pages_parts_are_made_anew_and_the_rest_stays(place: Place) -> None:
    (place.folder / "README.md").write_text(
        "# T\n<!-- results:nodes -->\nold\n<!-- /results -->\nstays\n<!-- results:figures -->\n<!-- /results -->\n"
    )
    made = pages.written(place)
    assert "| node | rows |\n| --- | ---: |\n| algo-1 | 1,000 |\n| algo-2 | 12.35 |\n<!-- /results -->\nstays" in made
    assert "| time | 1,234 s | at most 2,000 |" in made
    assert "old" not in made
    (place.folder / "README.md").write_text(made)
    assert pages.written(place) == made


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("# T\n", "shows no results"),
        ("# T\n<!-- results:nodes -->\n", "needs a line <!-- /results -->"),
        ("# T\n<!-- results:node -->\n<!-- /results -->\n", "no table 'node'; there are figures, run, nodes"),
    ],
)
def test_a_page_with_a_wrong_part_is_refused(place: Place, page: str, says: str) -> None:
    (place.folder / "README.md").write_text(page)
    with pytest.raises(LabError, match=says):
        pages.written(place)


def test_numbers_show_what_counts() -> None:
    assert [number(value) for value in (3, 1234.56, 0.123456, 1e-5, 12000)] == [
        "3",
        "1,235",
        "0.1235",
        "1e-05",
        "12,000",
    ]


def test_the_same_figure_makes_the_same_picture(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        made, axes = pictures.figure()
        pictures.bars(axes, {"one": 1.0, "two": 2.0}, unit="time in s")
        files.append(pictures.save(made, tmp_path / f"{name}.svg"))
    first, second = (made.path.read_text() for made in files)
    assert first == second == files[0]._repr_svg_()
    assert all(colour in first for colour in pictures.COLOURS[:2])


def test_an_axis_without_a_unit_is_refused(tmp_path: Path) -> None:
    made, axes = pictures.figure()
    axes.plot([1, 2], [3, 4])
    axes.set_xlabel("step")
    with pytest.raises(ValueError, match=r"c\.svg: every axis needs a label"):
        pictures.save(made, tmp_path / "c.svg")


def test_the_palette_can_be_told_apart_in_grey() -> None:
    greys = sorted(
        sum(weight * int(colour[at : at + 2], 16) for weight, at in ((0.299, 1), (0.587, 3), (0.114, 5)))
        for colour in pictures.COLOURS[:2]
    )
    assert greys[1] - greys[0] > 10


def test_the_cost_is_that_of_every_run_at_the_most_and_as_billed() -> None:
    jobs = [
        {"job": "a", "instances": "2 x ml.m5.large", "usd_at_most": 0.46, "longest": "1h"},
        {"job": "idle", "instances": "1 x ml.m5.large", "usd_at_most": 1.0, "longest": "1h"},
    ]
    history = [{"job": "a", "run": run} for run in ("1", "2", "stopped")]
    stopped = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}, "BillableTimeInSeconds": 36}
    receipts = {
        "1": {"cost_usd": 0.002, "billable_seconds": 36},
        "2": {"cost_usd": None, "billable_seconds": 60},
        "stopped": cost.billed_without_receipt(stopped, "us-east-1"),
    }
    (row,) = cost.cost_rows(jobs, history, receipts)
    assert (row["runs"], row["worst case, USD"], row["expected, USD"]) == (3, 1.38, 0.0043)
    assert (row["worst case, minutes"], row["expected, minutes"]) == (180, 2.2)


def test_a_stopped_run_costs_what_sagemaker_billed_where_the_price_is_known() -> None:
    job = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}, "BillableTimeInSeconds": 3600}
    assert cost.billed_without_receipt(job, "us-east-1") == {"cost_usd": 0.115, "billable_seconds": 3600}
    assert cost.billed_without_receipt(job, "eu-central-1")["cost_usd"] is None
    before_its_start = {"ResourceConfig": job["ResourceConfig"]}
    assert cost.billed_without_receipt(before_its_start, "us-east-1") == {"cost_usd": 0.0, "billable_seconds": 0}


def test_the_quotas_are_those_of_the_jobs_and_of_what_stands_beside_them() -> None:
    jobs = [{"quota": "b for training", "needed": 2, "granted": 20}]
    rows = cost.quota_rows(jobs, {"A for endpoint usage": 1, "c": 3}, {"A for endpoint usage": 5.0})
    assert [tuple(row.values()) for row in rows] == [
        ("A for endpoint usage", 1, 5),
        ("b for training", 2, 20),
        ("c", 3, "unknown"),
    ]


def test_what_stands_costs_a_month_at_the_most() -> None:
    row = cost.standing_row("endpoint", "2 x ml.m5.large", 0.23, 360)
    assert (row["worst case, USD (a month)"], row["expected, USD"], row["minutes"]) == (167.9, 0.023, 6)
    assert cost.standing_row("endpoint", "1 x ml.new", None, 360)["expected, USD"] == "unknown"


def test_a_file_of_the_project_is_edited_where_every_word_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "job.toml"
    file.write_text("a = 1\nb = 1\n")
    project.edit(file, {"a = 1": "a = 2", "b = 1": "b = 3"})
    assert file.read_text() == "a = 2\nb = 3\n"
    with pytest.raises(LabError, match=r"job\.toml has no 'c = 1'"):
        project.edit(file, {"a = 2": "a = 4", "c = 1": "c = 2"})
    assert file.read_text() == "a = 2\nb = 3\n"


def test_a_type_has_its_facts_and_its_prices() -> None:
    (row,) = machines.facts(["ml.g5.xlarge"])
    assert row["GPUs"] == "1 x A10G, 22.352 GiB"
    assert row["SageMaker, USD an hour"] == machines.hour("ml.g5.xlarge") == 1.408
    assert machines.by_region(["ml.g5.xlarge"], ["eu-central-1"])[0]["eu-central-1, USD an hour"] == "unknown"


def test_a_competition_asks_for_an_answer_to_each_image(tmp_path: Path) -> None:
    competition.write(tmp_path / "c", numpy.arange(8, dtype=numpy.uint8).reshape(2, 2, 2))
    questions = (tmp_path / "c/test.csv").read_text().splitlines()
    assert questions == ["id,0,1,2,3", "0,0,1,2,3", "1,4,5,6,7"]
    assert (tmp_path / "c/sample_submission.csv").read_text().splitlines() == ["id,digit", "0,0", "1,0"]


def test_a_lab_is_found_by_its_number_and_an_unknown_one_names_them_all() -> None:
    place = places.all_labs()[-1]
    assert places.find(place.name[:2]) == places.find(place.name) == place
    with pytest.raises(LabError, match=place.name):
        places.find("99")


def test_where_the_cells_go_is_said_in_one_of_two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.ACCOUNT_VARIABLE, raising=False)
    assert not places.is_on_aws()
    monkeypatch.setenv(places.ACCOUNT_VARIABLE, "aws")
    assert places.is_on_aws()
    monkeypatch.setenv(places.ACCOUNT_VARIABLE, "AWS")
    with pytest.raises(LabError, match="'AWS'; it may be aws, or embedded"):
        places.is_on_aws()
