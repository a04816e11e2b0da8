"""Write the pages that are generated from code: `make docs`. A test compares them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import (
    embedded_cloud_page,
    jobs_page,
    rules_page,
    security_hub_page,
    services_page,
    settings_page,
    troubleshooting_page,
)

ROOT = Path(__file__).parents[1]

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/do/troubleshooting.md": troubleshooting_page.as_markdown,
    "docs/reference/embedded-cloud.md": embedded_cloud_page.as_markdown,
    "docs/reference/job-file.md": jobs_page.as_markdown,
    "docs/reference/rules.md": rules_page.as_markdown,
    "docs/reference/security-hub.md": security_hub_page.as_markdown,
    "docs/reference/service-map.md": services_page.as_markdown,
    "docs/reference/settings.md": settings_page.as_markdown,
}
"""Each page and the function that renders it."""


def main() -> None:
    """Write every page."""
    for page, text in PAGES.items():
        (ROOT / page).write_text(text())


if __name__ == "__main__":
    main()
