"""What people see at 80, 100 and 120 columns, against kept pictures of text.

After a change that is meant: python -m tests.support.screens.scenes
"""

import io

import pytest
from rich.console import Console
from rich.live import Live

from tests.support.screens.account import TRAINED, TRAINING, training_job
from tests.support.screens.scenes import PICTURES, SCENES, WIDTHS, path, picture
from tests.support.screens.terminal import Terminal
from yard.runs.logs import Line
from yard.runs.picture import Picture
from yard.runs.view import View


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCENES)
def test_a_screen_looks_like_its_picture(name: str, width: int) -> None:
    assert picture(name, width) == path(name, width).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCENES)
def test_nothing_but_an_address_is_wider_than_the_screen(name: str, width: int) -> None:
    lines = picture(name, width).splitlines()
    assert [line for line in lines if len(line) > width and not line.startswith(("s3://", "https://"))] == []


def test_every_picture_has_its_scene() -> None:
    kept = {file.relative_to(PICTURES).as_posix() for file in PICTURES.rglob("*.txt")}
    assert kept == {f"{width}/{name}.txt" for width in WIDTHS for name in SCENES}


@pytest.mark.parametrize("name", ["view-training", "status-running", "history", "compare", "receipt"])
def test_an_id_is_whole_at_the_narrowest(name: str) -> None:
    text = picture(name, WIDTHS[0])
    assert TRAINED in text or TRAINING in text


@pytest.mark.parametrize("width", WIDTHS)
def test_ctrl_c_leaves_one_title_line(width: int) -> None:
    """The terminal echoes ^C where the cursor is: behind a full line that is the next one, and all moved by one."""
    view, screen = View(job="gpt-fsdp", run_id=TRAINING, region="us-east-1"), io.StringIO()
    view.observe([{}], training_job(TRAINING), "RUNNING")
    view.hear(Line(0, "algo-8", "a line that is longer than any screen " * 5))
    with Live(console=Console(file=screen, width=width, force_terminal=True), auto_refresh=False) as live:
        live.update(Picture(view), refresh=True)
        live.update(Picture(view), refresh=True)
        screen.write("^C")
    terminal = Terminal(width)
    terminal.write(screen.getvalue())
    assert len([line for line in terminal.shown() if line.startswith("gpt-fsdp  run")]) == 1
    assert not any("^C" in line for line in terminal.shown())
    assert terminal.shown()[-1].startswith("algo-8")
