"""Write the pages that are generated from code: `make docs`. A test compares them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.pages import (
    embedded_cloud,
    endpoints,
    jobs,
    rules,
    security_hub,
    services,
    settings,
    troubleshooting,
)

ROOT = Path(__file__).parents[1]

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/do/troubleshooting.md": troubleshooting.as_markdown,
    "docs/reference/embedded-cloud.md": embedded_cloud.as_markdown,
    "docs/reference/endpoint-file.md": endpoints.as_markdown,
    "docs/reference/job-file.md": jobs.as_markdown,
    "docs/reference/processing-job-file.md": jobs.processing_as_markdown,
    "docs/reference/transform-job-file.md": jobs.transform_as_markdown,
    "docs/reference/automl-job-file.md": jobs.automl_as_markdown,
    "docs/reference/rules.md": rules.as_markdown,
    "docs/reference/security-hub.md": security_hub.as_markdown,
    "docs/reference/service-map.md": services.as_markdown,
    "docs/reference/settings.md": settings.as_markdown,
}
"""Each page and the function that renders it."""


def main() -> None:
    """Write every page."""
    for page, text in PAGES.items():
        (ROOT / page).write_text(text())


if __name__ == "__main__":
    main()
