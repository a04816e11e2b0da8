"""Whatever a page links to, or names as a path of this project, is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "labs").rglob("*.md"),
    ]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(
    r"`((?:benchmarks|checks|constructs|containers|docs|embedded|jobs|scripts|stacks|tests|training|yard)/[\w./-]*)`"
)
SHELVES = ("do", "learn", "reference", "why")


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub writes them in links."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def broken(page: Path) -> list[str]:
    """The relative links that lead nowhere."""
    found = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


def test_every_page_stands_on_a_shelf() -> None:
    folders = {page.relative_to(ROOT / "docs").parts[0] for page in (ROOT / "docs").rglob("*.md")}
    assert folders <= set(SHELVES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_project_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    written = re.findall(r"^```\w+ file=(\S+)$", text, re.MULTILINE)
    assert [name for name in _PATH.findall(text) if name not in written and not (ROOT / name).exists()] == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title, here\n[a](#a-title-here) [b](https://x.y) [c](missing.md) [d](#nowhere) [e](page.md)\n")
    assert broken(page) == ["missing.md", "#nowhere"]
