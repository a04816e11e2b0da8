"""What is said of a run that is stopped, resumed, entered or asked for its model fits the kind of its job."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from yard.commands import launch as commands
from yard.errors import UserError
from yard.launches import launching
from yard.runs import artifacts, runs, visits
from yard.runs.runs import Run

SAVES = SimpleNamespace(checkpoints=SimpleNamespace(enabled=True))
SAVES_NOT = SimpleNamespace(checkpoints=SimpleNamespace(enabled=False))
NO_TABLE = SimpleNamespace()
"""A job of a kind that has no table of checkpoints."""


def run(kind: str, status: str = "RUNNING") -> Run:
    now = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    return Run(
        job="one", run_id="20261121-073000-a1b2", execution_arn="e", status=status, started=now, stopped=None, kind=kind
    )


def account(job: Any, *, endpoint: str | None = None) -> Any:
    project = SimpleNamespace(has_job=lambda name: True, job=lambda name: job)
    client = SimpleNamespace(stop_execution=lambda **_: None)
    return SimpleNamespace(project=project, client=lambda _: client, endpoint=endpoint)


@pytest.mark.parametrize(
    ("kind", "job", "said"),
    [
        ("training", SAVES, ["two minutes to save, which are billed.", "Resume it later: yard resume"]),
        ("training", SAVES_NOT, ["two minutes to save, which are billed.", "launch it anew: yard train one"]),
        ("processing", NO_TABLE, ["two minutes to save, which are billed.", "launch it anew: yard run one"]),
        (
            "automl",
            NO_TABLE,
            [
                "SageMaker stops the jobs behind its candidates, and bills what they have run",
                "launch it anew: yard run one",
            ],
        ),
    ],
)
def test_a_stop_says_what_ends_and_what_comes_after(
    kind: str, job: Any, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    launching.stop(account(job), run(kind))
    printed = " ".join(capsys.readouterr().err.split())
    assert [text for text in said if text not in printed] == []
    assert ("two minutes" in printed) == (kind != "automl"), "no program of an AutoML job hears of its stop"


@pytest.mark.parametrize(
    ("kind", "status", "job", "fix"),
    [
        ("training", "SUCCEEDED", SAVES, "Launch it anew: yard train one"),
        ("processing", "SUCCEEDED", NO_TABLE, "Launch it anew: yard run one"),
        (
            "training",
            "FAILED",
            SAVES_NOT,
            "Set [checkpoints] enabled = true in jobs/one.toml, deploy, and launch it anew.",
        ),
        ("processing", "FAILED", NO_TABLE, "Launch it anew: yard run one"),
        ("automl", "ABORTED", NO_TABLE, "Launch it anew: yard run one"),
    ],
)
def test_what_cannot_be_resumed_is_launched_anew_by_its_own_command(
    kind: str, status: str, job: Any, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "find_project", lambda: None)
    monkeypatch.setattr(commands, "Aws", lambda project: account(job))
    monkeypatch.setattr(runs, "find", lambda aws, wanted: run(kind, status))
    monkeypatch.setattr(runs, "refresh", lambda aws, found: (found, {}))
    app = typer.Typer()
    commands.register(app)
    refused = CliRunner().invoke(app, ["resume", "one"]).exception
    assert isinstance(refused, UserError) and refused.fix == fix


@pytest.mark.parametrize("endpoint", [None, "http://localhost:4566"])
def test_nobody_enters_an_automl_job(endpoint: str | None) -> None:
    with pytest.raises(UserError, match="one is an AutoML job, which has no nodes of its own") as refused:
        visits.run_in(account(NO_TABLE, endpoint=endpoint), run("automl"), 1, ["ls"], terminal=False)
    assert refused.value.fix == "What the jobs behind its candidates print: yard logs 20261121-073000-a1b2"


@pytest.mark.parametrize(("kind", "noun"), [("training", "training"), ("automl", "AutoML")])
def test_a_run_without_a_model_says_what_did_not_complete(
    kind: str, noun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "attempts", lambda aws, found: [{"TrainingJobStatus": "Failed"}])
    with pytest.raises(UserError, match=f"has no model: none of its {noun} jobs completed"):
        artifacts.model(account(NO_TABLE), run(kind, "FAILED"))
