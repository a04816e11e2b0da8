"""The page docs/reference/service-map.md, from the service map, so that it cannot go stale."""

from shardyard.spec.services import PRESENT, READ_ON, SERVICES

_FOOTNOTE = "[^present]"


def as_markdown() -> str:
    """The whole page."""
    lines = [
        "# The service map",
        "",
        f"Every SageMaker topic on the way that this project follows, as read on {READ_ON}. Written from",
        "`constructs/shardyard/spec/services.py` by `make docs`; a test fails when it is out of date. Asking",
        "for a service that is gone or closed to new customers is an error at synth that names the replacement.",
        "",
        "| topic | key | state | instead | served here by | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for service in SERVICES:
        state = f"{service.state}, {service.since}" if service.since else service.state
        source = _FOOTNOTE if service.source == PRESENT else service.source
        cells = (service.title, f"`{service.key}`", state, service.instead or "-", service.served_by, source)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"{_FOOTNOTE}: {PRESENT}."]) + "\n"
