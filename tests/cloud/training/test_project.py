"""The cloud runs the images of the project that it was started for, wherever its own code is installed."""

from pathlib import Path

from embedded import lifecycle


def test_the_project_is_the_one_that_the_cloud_was_started_for(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "cloud"
    project.mkdir()
    try:
        for running in (lifecycle.up(folder, project=project), lifecycle.reset(folder, project=project)):
            settings = lifecycle.admin(running, "settings", {})
            assert settings["project_root"] == str(project)
            assert settings["file_systems_root"] == str(project / ".yard/cloud/filesystems")
    finally:
        lifecycle.down(folder)


def test_without_a_project_it_is_the_folder_that_it_was_started_in(tmp_path: Path) -> None:
    try:
        settings = lifecycle.admin(lifecycle.up(tmp_path), "settings", {})
        assert settings["project_root"] == str(Path.cwd())
    finally:
        lifecycle.down(tmp_path)
