"""A stage says what happens, gives a sign of life when nothing does, and says at the end how long it took."""

import re
import time

import pytest

from yard.account import stages
from yard.account.stages import Stage


def test_a_quiet_stage_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stages, "QUIET_SECONDS", 0.05)
    with Stage("Waiting", so_far=lambda: ", half of it") as stage:
        stage.tell("it begins")
        time.sleep(0.2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["", "== Waiting", "   it begins"]
    assert lines[3] == "   ... 0 s, half of it"
    assert re.fullmatch(r" {3}0\.\d s", lines[-1])


def test_a_stage_that_failed_claims_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), Stage("Failing"):
        raise ValueError("broken")
    assert capsys.readouterr().out == "\n== Failing\n"
