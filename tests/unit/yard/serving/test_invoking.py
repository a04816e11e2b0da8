"""What is sent to an endpoint, and what is refused before anything is."""

from pathlib import Path
from typing import Any

import pytest

from yard.errors import UserError
from yard.serving import invoking
from yard.serving.invoking import Request, read_body


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--content-type", {"content_type": "text/csv\r\nX-Amz-Target: other"}),
        ("--content-type", {"content_type": ""}),
        ("--accept", {"accept": "a\nb"}),
        ("--variant", {"variant": ""}),
        ("--target-model", {"target_model": "é.tar.gz"}),
        ("--target-model", {"target_model": "x" * 1025}),
    ],
)
def test_what_no_header_carries_is_said_by_its_option(option: str, given: dict[str, Any]) -> None:
    """It would be told as an endpoint that does not answer, or as a Python error."""
    with pytest.raises(UserError, match=f"{option}: 1 to 1024 printable letters"):
        Request(**{"body": b"", "content_type": "text/csv", **given})


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="bytes that are no text"):
        read_body(None, "\udc80", None, None)


def test_a_file_that_no_endpoint_takes_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoking, "_MOST_QUEUED_BYTES", 1000)
    with pytest.raises(UserError, match="has more than 1,000 bytes"):
        read_body(Path("/dev/zero"), None, None, "application/octet-stream")
    (tmp_path / "row.csv").write_bytes(b"1,2")
    assert read_body(tmp_path / "row.csv", None, None, None) == (b"1,2", "text/csv")
