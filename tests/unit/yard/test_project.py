"""Which settings a command works with: cdk.json's, and another stage where one is named."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from shardyard.spec.errors import SpecError
from yard.errors import UserError
from yard.main import app
from yard.project import CONTEXT_VARIABLE, STAGE_VARIABLE, find_project


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "jobs").mkdir()
    monkeypatch.delenv(STAGE_VARIABLE, raising=False)
    monkeypatch.delenv(CONTEXT_VARIABLE, raising=False)
    return tmp_path


def write(folder: Path, **context: Any) -> None:
    (folder / "cdk.json").write_text(json.dumps({"app": "python app.py", "context": context}))


def test_without_a_stage_it_is_that_of_cdk_json(folder: Path) -> None:
    write(folder, stage="prod")
    found = find_project(folder)
    assert found.settings.stage == "prod"
    assert found.deploy == "npx cdk deploy --all"


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_a_stage_takes_the_place_of_that_in_cdk_json(folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    write(folder, project="vision", stage="dev", **{"training.cap_usd": "7"})
    monkeypatch.setenv(STAGE_VARIABLE, stage)
    found = find_project(folder)
    assert found.stack_name("storage") == f"vision-{stage}-storage"
    assert found.settings.training.cap_usd == 7
    assert found.deploy == "npx cdk deploy --all" + ("" if stage == "dev" else f" -c stage={stage}")


@pytest.mark.parametrize("stage", ["", "prd", "Prod"])
def test_a_stage_that_cdk_would_refuse_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    write(folder)
    monkeypatch.setenv(STAGE_VARIABLE, stage)
    with pytest.raises(SpecError, match=f"stage: '{stage}' is not allowed"):
        find_project(folder)


def test_the_option_is_for_every_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, **{"project": "vision", "training.no_jobs": True})
    monkeypatch.chdir(folder)
    monkeypatch.setenv(STAGE_VARIABLE, "dev")  # restored afterwards: the option sets it
    seen = []
    monkeypatch.setattr("yard.commands.define.say", lambda text: seen.append(find_project().settings.stage))
    from yard import commands

    commands.register(app)
    assert CliRunner().invoke(app, ["--stage", "staging", "check"]).exit_code == 0
    assert seen == ["staging"]


def test_settings_stand_in_place_of_those_in_cdk_json(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, **{"project": "vision", "stage": "dev", "training.no_jobs": True})
    monkeypatch.chdir(folder)
    monkeypatch.setenv(CONTEXT_VARIABLE, "")  # restored afterwards: the option sets it
    seen = []
    monkeypatch.setattr("yard.commands.define.say", lambda text: seen.append(find_project()))
    from yard import commands

    commands.register(app)
    given = ["-c", "project=vision2", "-c", "training.cap_usd=7", "--context", "tags={}", "-c", "stage=prod"]
    assert CliRunner().invoke(app, [*given, "check"]).exit_code == 0
    (found,) = seen
    assert found.stack_name("storage") == "vision2-prod-storage"
    assert found.settings.training.cap_usd == 7
    assert found.deploy == "npx cdk deploy --all -c stage=prod -c project=vision2 -c training.cap_usd=7 -c 'tags={}'"


@pytest.mark.parametrize("given", ["project", "=x", "pro ject=x"])
def test_a_setting_that_cannot_be_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    write(folder)
    monkeypatch.setenv(CONTEXT_VARIABLE, given)
    with pytest.raises(UserError, match=r"--context '.+' is not KEY=VALUE"):
        find_project(folder)


def test_a_setting_that_cdk_would_refuse_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder)
    monkeypatch.setenv(CONTEXT_VARIABLE, "trainning.cap_usd=7")
    with pytest.raises(SpecError, match="did you mean"):
        find_project(folder)


def test_jobs_are_read_once_and_again_when_a_file_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder)
    read: list[Path] = []

    def load(path: Path, *_: Any, **__: Any) -> tuple[Any, ...]:
        read.append(path)
        return tuple(SimpleNamespace(name=one.stem, deployed_as=one.stem) for one in path.glob("*.toml"))

    monkeypatch.setattr("shardyard.spec.job_folder.load_jobs", load)
    (folder / "jobs" / "a.toml").write_text("one")
    project = find_project(folder)
    assert [project.job("a").name, project.job("a").name, project.jobs()[0].name] == ["a"] * 3
    assert len(read) == 1
    (folder / "jobs" / "a.toml").write_text("another")
    project.jobs()
    (folder / "jobs" / "b.toml").write_text("one")
    assert project.job("b").name == "b"
    assert len(read) == 3
