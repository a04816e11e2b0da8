"""Pages that are written from code are up to date: `make docs` writes them."""

from pathlib import Path

import pytest

from scripts.write_docs import PAGES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_is_what_the_code_says(page: str) -> None:
    assert (ROOT / page).read_text() == PAGES[page](), "run: make docs"
