"""What the labs hold is consistent: notebooks follow from scripts, pages from results, pictures are there."""

import ast
import re
from pathlib import Path

import pytest

from labs.__main__ import differing
from labs.frame import pages
from labs.frame.notebooks import cells_of_script
from labs.frame.places import LABS, Place, all_labs
from labs.frame.results import read
from tests.support.some import some

EACH = pytest.mark.parametrize("place", some(all_labs()), ids=lambda place: place.name)


@EACH
def test_a_lab_follows_from_its_script_and_its_results(place: Place) -> None:
    assert differing(place) == []


@EACH
def test_a_lab_says_what_it_costs_and_ends_with_a_checked_clean_up(place: Place) -> None:
    code = [cell.source for cell in cells_of_script((place.folder / "lab.py").read_text()) if cell.kind == "code"]
    assert "lab.clean_up()" in code[-1]
    assert any("lab.cost(" in source for source in code)
    found = read(place.folder)
    assert {"cost", "quotas"} <= found.tables.keys()
    assert found.figures["left_behind"].value == 0
    assert "seconds" in found.run


@EACH
def test_every_result_is_within_its_range(place: Place) -> None:
    for name, figure in some(read(place.folder).figures.items()):
        assert figure.is_met, name


@EACH
def test_the_ranges_are_those_that_the_script_asks_for(place: Place) -> None:
    asked = {}
    for call in ast.walk(ast.parse((place.folder / "lab.py").read_text())):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "lab.result"):
            continue
        name = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if isinstance(name, str):
            given = {one.arg: one.value for one in call.keywords if one.arg in ("at_least", "at_most")}
            if all(isinstance(value, ast.Constant) for value in given.values()):
                limits = {side: ast.literal_eval(value) for side, value in given.items()}
                asked[name] = (limits.get("at_least"), limits.get("at_most"))
    found = read(place.folder).figures
    assert asked, "no range is told apart"
    assert {name: (found[name].at_least, found[name].at_most) for name in asked} == asked


@EACH
def test_a_page_tells_the_story_and_has_exercises_with_answers(place: Place) -> None:
    page = (place.folder / "README.md").read_text()
    for heading in ("What to watch", "What it costs", "Exercises"):
        assert f"## {heading}\n" in page
    assert page.count("<details>") == page.count("</details>") >= 2
    assert "```mermaid" in page or pages.pictures(place)
    assert "<!-- results:figures -->" in page and "<!-- results:cost -->" in page
    assert f"({place.name}/README.md)" in (LABS / "README.md").read_text()


@EACH
def test_the_results_name_no_place_of_the_machine_that_made_them(place: Place) -> None:
    for path in some([*place.folder.glob("*.json"), *place.folder.glob("*.svg"), *place.folder.glob("*.ipynb")]):
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", path.read_text()), path.name


def test_the_pictures_of_a_lab_are_those_of_its_results() -> None:
    for place in all_labs():
        drawn = {path.name for path in place.folder.glob("*.svg")}
        assert drawn == set(read(place.folder).pictures), place.name
        assert drawn <= {Path(path).name for path in pages.pictures(place)}, "a picture that no page shows"
