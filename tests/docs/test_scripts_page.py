"""The page of the scripts that were tried has a row for each, with the number of lines that were changed."""

import re

from tests.support.scripts.styles import CODE, PAGE, STYLES

ROWS = re.findall(
    r"^\| ([^|]+) \| \[`(\w+)`\]\(([^)]+)\) \| (\w+) \| (\d+|none) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE
)


def test_there_is_a_row_for_each_script_and_none_more() -> None:
    assert [(style, folder) for style, folder, *_ in ROWS] == [(one.style, one.folder) for one in STYLES]
    assert {one.folder for one in STYLES} == {path.name for path in CODE.iterdir() if path.is_dir()}
    assert len(STYLES) >= 15


def test_the_lines_that_were_changed_are_counted() -> None:
    found = {folder: 0 if changed == "none" else int(changed) for _, folder, _, _, changed, _ in ROWS}
    assert found == {one.folder: one.changed for one in STYLES}


def test_a_script_is_short_and_where_the_page_says() -> None:
    for _, folder, link, *_ in ROWS:
        path = (PAGE.parent / link).resolve()
        assert path == CODE / folder / "train.py"
        assert len(path.read_text().splitlines()) <= 66


def test_ranks_are_started_by_torchrun_and_others_plainly() -> None:
    assert {folder: launcher for _, folder, _, launcher, _, _ in ROWS} == {
        one.folder: "torchrun" if one.several else "plain" for one in STYLES
    }
