"""`yard init` and `yard upgrade`: what they write, what they refuse, what they say."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.settings.settings import Settings
from yard.commands.project import init
from yard.errors import UserError
from yard.project import find_project
from yard.starter import begin, files, upgrade
from yard.starter.files import RECORD, Choices
from yard.starter.upgrade import State

ROOT = Path(__file__).parents[3]


def choices(**changed: Any) -> Choices:
    given = {"project": "vision", "stage": "dev", "owner": "unnamed", "containers": False, "requirement": "shardyard"}
    return Choices(**{**given, **changed})


@pytest.mark.parametrize("containers", [False, True])
def test_a_new_project_is_sound(tmp_path: Path, containers: bool) -> None:
    folder = tmp_path / "vision"
    written = begin.begin(folder, choices(containers=containers, stage="prod", owner="team-vision"))
    assert sorted(written) == sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    project = find_project(folder / "jobs")
    assert project.root == folder
    assert (project.settings.project, project.settings.stage, project.settings.owner) == (
        "vision",
        "prod",
        "team-vision",
    )
    (job,) = project.jobs()
    assert (job.name, job.image.folder) == ("hello", "pytorch" if containers else None)
    assert (folder / "containers/pytorch/Dockerfile").exists() == containers
    assert ("yard image push pytorch" in (folder / "README.md").read_text()) == containers


def test_what_the_product_pins_a_new_project_pins_too(tmp_path: Path) -> None:
    begin.begin(tmp_path, choices())
    ours, theirs = (json.loads((folder / "package.json").read_text()) for folder in (ROOT, tmp_path))
    assert theirs["devDependencies"] == ours["devDependencies"] != {}
    actions = [
        set(re.findall(r"uses: (\S+)", (folder / ".github/workflows" / name).read_text()))
        for folder, name in ((ROOT, "ci.yml"), (tmp_path, "check.yml"))
    ]
    assert actions[0] == actions[1] != set()
    flags = [json.loads((folder / "cdk.json").read_text())["context"] for folder in (ROOT, tmp_path)]
    assert [{key: value for key, value in each.items() if key.startswith("@")} for each in flags] == [
        {key: value for key, value in flags[0].items() if key.startswith("@")}
    ] * 2
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (tmp_path / "requirements.txt").read_text() == f"shardyard=={version}\n"


def test_another_place_to_install_from_is_kept_as_it_was_given(tmp_path: Path) -> None:
    begin.begin(tmp_path, choices(requirement="shardyard @ git+https://git.example.com/shardyard@v1"))
    assert (tmp_path / "requirements.txt").read_text() == "shardyard @ git+https://git.example.com/shardyard@v1\n"


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (None, None),
        ({"url": "file:///dist/shardyard.whl", "archive_info": {}}, "file:///dist/shardyard.whl"),
        (
            {"url": "https://git.example.com/s", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}},
            "git+https://git.example.com/s@1a2b",
        ),
        ({"url": "file:///clone", "dir_info": {"editable": True}}, "file:///clone"),
    ],
)
def test_what_no_index_has_is_said(
    told: dict[str, Any] | None,
    place: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = None if told is None else json.dumps(told)
    distribution = SimpleNamespace(read_text=lambda name: content, version="0.1.0")
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: distribution)
    assert files.came_from() == place

    def said(folder: str, requirement: str) -> str:
        given = {"job": None, "script": None, "project": "vision", "stage": "dev", "owner": "unnamed"}
        init(tmp_path / folder, **given, containers=False, requirement=requirement, as_json=True)  # type: ignore[arg-type]
        return " ".join(capsys.readouterr().err.split())

    assert (f"write `shardyard @ {place}` there" in said("vision", "shardyard")) == (place is not None)
    assert "asks an index" not in said("given", "./shardyard.whl")


def test_what_is_in_the_way_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    for name in ("notes.txt", "src/a.py", "app.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(UserError) as refused:
        begin.begin(tmp_path, choices())
    assert refused.value.happened == f"{tmp_path} is not empty: app.py, notes.txt, src/a.py would be in the way."
    assert (tmp_path / "app.py").read_text() == "mine"
    assert not (tmp_path / "cdk.json").exists()


def test_a_second_call_and_what_people_make_first_are_not_in_the_way(tmp_path: Path) -> None:
    for name in (".git/config", ".venv/pyvenv.cfg", "node_modules/x.js"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    begin.begin(tmp_path, choices())
    begin.begin(tmp_path, choices())
    (tmp_path / "train/hello.py").write_text("edited")
    with pytest.raises(UserError, match=r"train/hello\.py would be in the way") as refused:
        begin.begin(tmp_path, choices())
    assert refused.value.fix == "It is a project already: edit its files, or see what is new: yard upgrade"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"project": "My_Project"}, "project: .*3 to 20 small letters, digits and hyphens, a letter first"),
        ({"stage": "test"}, r"stage: 'test' is not allowed \(one of dev, staging, prod\)"),
    ],
)
def test_names_are_held_to_the_rules_of_the_settings(tmp_path: Path, changed: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        begin.begin(tmp_path / "new", choices(**changed))
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file is a file\."):
        begin.begin(tmp_path / "file", choices())


@pytest.mark.parametrize(("folder", "name"), [("Vision_Models", "vision-models"), ("a.b", "a-b")])
def test_the_folder_gives_the_name(folder: str, name: str) -> None:
    assert begin.project_name(Path("/x") / folder) == name
    assert Settings.from_context({"project": name}).project == name


def old(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that version 0.0.9 made, whose app.py, README.md and .gitignore were other ones."""
    now = files.render
    with monkeypatch.context() as then:
        then.setattr(files, "version", lambda: "0.0.9")
        changed = {"app.py": b"old app\n", "README.md": b"old page\n", ".gitignore": b"old\n"}
        then.setattr(files, "render", lambda given: {**now(given), **changed})
        begin.begin(root, choices())


def states(found: upgrade.Upgrade) -> dict[str, State]:
    return {change.path: change.state for change in found.changes if change.state != State.UNCHANGED}


def test_untouched_files_are_written_anew_and_edited_ones_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(tmp_path, monkeypatch)
    (tmp_path / "README.md").write_text("my page\n")
    (tmp_path / "train/hello.py").write_text("my script\n")
    (tmp_path / ".gitignore").unlink()
    found = upgrade.compare(tmp_path)
    assert (found.made_by, found.installed) == ("0.0.9", files.version())
    # the script's template is what it was, so its own text is nobody's business
    expected = {"app.py": State.REWRITE, "README.md": State.DIFFERS, ".gitignore": State.GONE}
    assert states(found) == {**expected, "requirements.txt": State.REWRITE}
    diff = next(change.diff for change in found.changes if change.path == "README.md")
    assert "-my page\n" in diff and "+# vision\n" in diff
    assert (tmp_path / "app.py").read_text() == "old app\n", "only --write writes"

    assert upgrade.apply(tmp_path, found) == ["app.py", "requirements.txt"]
    assert "project_app" in (tmp_path / "app.py").read_text()
    assert (tmp_path / "README.md").read_text() == "my page\n"
    assert not (tmp_path / ".gitignore").exists()
    again = upgrade.compare(tmp_path)
    assert (again.made_by, states(again), again.news) == (files.version(), {}, "")


def test_a_project_of_the_same_version_needs_nothing(tmp_path: Path) -> None:
    begin.begin(tmp_path, choices())
    found = upgrade.compare(tmp_path)
    assert (states(found), found.news) == ({}, "")


CHANGELOG = """# Changelog

## Unreleased

- next

## 0.3.0 - 2026-11-01

- three

## [0.2.0] - 2026-10-01

- two

## 0.1.0

- one
"""


@pytest.mark.parametrize(
    ("made_by", "installed", "told"),
    [
        ("0.1.0", "0.3.0", ["three", "two"]),
        ("0.2.0", "0.3.0", ["three"]),
        ("0.2.0", "0.4.0", ["next", "three"]),
        ("0.0.1", "0.2.0", ["two", "one"]),
        ("0.3.0", "0.3.0", []),
    ],
)
def test_the_news_are_those_between_the_two_versions(made_by: str, installed: str, told: list[str]) -> None:
    assert re.findall(r"^- (\w+)", upgrade.news(CHANGELOG, made_by, installed), re.MULTILINE) == told


@pytest.mark.parametrize("content", ["{", "{}", '{"version": "1", "choices": {"colour": "red"}, "files": {}}'])
def test_a_damaged_record_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(UserError, match=r"\.shardyard\.json is damaged"):
        upgrade.compare(tmp_path)


def test_a_project_that_init_did_not_make_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no \.shardyard\.json: it was not made by `yard init`"):
        upgrade.compare(tmp_path)


def test_the_command_says_what_it_made_and_what_is_new(tmp_path: Path) -> None:
    def yard(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "yard.main", *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)

    made = yard("init", str(tmp_path / "vision"), cwd=ROOT)
    assert str(tmp_path / "vision/app.py") in made.stdout.splitlines()
    assert "No file of yours needs a change." in yard("upgrade", cwd=tmp_path / "vision").stderr
    assert "1 job checked: no problems." in yard("check", cwd=tmp_path / "vision").stderr
