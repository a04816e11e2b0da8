"""A project for notebooks."""

from pathlib import Path

import pytest

from yard.project import Project, find_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for folder in ("jobs", "containers/pytorch", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cdk.json").write_text('{"context": {"project": "vision", "stage": "dev"}}')
    (tmp_path / "containers/pytorch/Dockerfile").write_text("COPY containers/pytorch/requirements.txt /\n")
    (tmp_path / "containers/pytorch/requirements.txt").write_text("torch==2.13.0\nnumpy==2.4.6\nscikit-learn==1.9.1\n")
    return find_project(tmp_path)
