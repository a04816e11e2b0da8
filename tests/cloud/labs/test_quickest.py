"""The quickest lab, from top to bottom; `make labs` runs them all."""

import pytest

from labs.frame.places import find
from labs.frame.results import read
from labs.frame.running import run

pytestmark = pytest.mark.e2e


def test_the_quickest_lab_runs_and_finds_what_its_page_says() -> None:
    place = find("08")
    run(place, keep=False)
    found, committed = read(place.results), read(place.folder)
    assert found.figures.keys() == committed.figures.keys()
    assert found.tables.keys() == committed.tables.keys()
    assert found.tables["leftovers"] == committed.tables["leftovers"]
