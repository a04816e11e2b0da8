"""A rename changes nothing of what is deployed: the templates are the same, to the last byte."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_app


def templates(root: Path) -> dict[str, Any]:
    app = cdk.App()
    build_app(app, Settings.from_context({"network.kind": "none", "quotas.from_jobs": "true"}), root=root)
    return {stack.stack_name: stack.template for stack in app.synth().stacks}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "containers").symlink_to(ROOT / "containers")
    return tmp_path


def test_a_renamed_job_has_the_same_templates(project: Path) -> None:
    text = (ROOT / "jobs/gpt-ddp.toml").read_text()
    (project / "jobs/gpt-ddp.toml").write_text(text)
    before = templates(project)
    (project / "jobs/gpt-ddp.toml").unlink()
    (project / "jobs/words.toml").write_text(f'renamed_from = "gpt-ddp"\n{text}')
    assert json.dumps(templates(project), sort_keys=True) == json.dumps(before, sort_keys=True)
    assert "shardyard-dev-gpt-ddp" in json.dumps(before)
