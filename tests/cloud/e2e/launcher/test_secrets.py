"""A job's secret, with roles enforced: the ranks have its value, and nothing that anybody keeps has."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.house import EMAIL
from tests.support.cloud.own_project import JOB, OwnProject, make_project
from yard.account.secrets import set_secret

pytestmark = pytest.mark.e2e
VALUE = "wandb-6f1d0c9b8a7e5d4c"
OTHER = "another-42424242"
NAMED = "secret-code"
_SCRIPT = """\
import hashlib
import os

print("digest", hashlib.sha256(os.environ["WANDB_API_KEY"].encode()).hexdigest()[:12], flush=True)
print("the key is", os.environ["WANDB_API_KEY"], flush=True)
print("hub", os.environ["HF_TOKEN"], flush=True)
"""
_SECRETS = """
[network]
vpc = false

[secrets]
WANDB_API_KEY = "secret:team/wandb"
HF_TOKEN = "secret:team/hub#token"
"""


@pytest.fixture(scope="module")
def project(bootstrapped_cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> OwnProject:
    """A project with one more job, which reads secrets."""
    folder = tmp_path_factory.mktemp("projects") / "vault"
    made = make_project(bootstrapped_cloud, folder, email=EMAIL)
    definition = (folder / f"jobs/{JOB}.toml").read_text().replace("train.py", "prints.py")
    (folder / f"jobs/{NAMED}.toml").write_text(definition + _SECRETS)
    (folder / "experiments/prints.py").write_text(_SCRIPT)
    made.deployed()
    return made


def test_a_secret_that_is_not_there_is_refused_before_anything_bills(project: OwnProject) -> None:
    ended = project.run(NAMED, {})
    assert ended.error == "Refused"
    assert ended.cause == (
        "secrets.WANDB_API_KEY: there is no secret team/wandb in this account and region "
        "(make it: yard secret set team/wandb)\n"
        "secrets.HF_TOKEN: there is no secret team/hub in this account and region (make it: yard secret set team/hub)"
    )
    assert project.attempts(ended.run) == []


def test_the_ranks_have_the_values_and_nothing_that_is_kept_has(project: OwnProject) -> None:
    set_secret(project.aws, "team/wandb", VALUE)
    set_secret(project.aws, "team/hub", json.dumps({"token": OTHER}))
    run = project.succeed(NAMED, {})

    printed = [line.text for line in project.lines(run)]
    digest = sha256(VALUE.encode()).hexdigest()[:12]
    assert sum(f"digest {digest}" in line for line in printed) == 2
    assert sum("the key is [secret WANDB_API_KEY]" in line for line in printed) == 2
    assert sum("hub [secret HF_TOKEN]" in line for line in printed) == 2
    (job,) = project.attempts(run)
    assert job["Environment"]["SHARDYARD_SECRET_WANDB_API_KEY"] == "secret:team/wandb"
    assert project.receipt(run)["settings"]["secrets"] == {
        "HF_TOKEN": "secret:team/hub#token",
        "WANDB_API_KEY": "secret:team/wandb",
    }

    history = project.aws.client("stepfunctions").get_execution_history(
        executionArn=run.execution_arn, includeExecutionData=True, maxResults=1000
    )
    kept = {
        "log of the job": "\n".join(printed),
        "training job": json.dumps(job, default=str),
        "receipt": json.dumps(project.receipt(run)),
        "history": json.dumps(history, default=str),
        "execution's log": execution_log(project),
        "outbox": json.dumps(project.cloud.admin("outbox"), default=str),
        "cloud's own log": project.cloud.state.log.read_text(errors="replace"),
        **files_of(project.root / "cdk.out"),
    }
    assert all(len(kept[one]) > 1000 for one in ("history", "execution's log", "cloud's own log"))
    assert any(name.endswith(".template.json") for name in kept)
    for where, text in kept.items():
        assert VALUE not in text and OTHER not in text, where


def execution_log(project: OwnProject) -> str:
    """All that the state machine's own log group holds, with the data of every state."""
    machine = project.aws.project.state_machine_name(NAMED)
    logs = project.aws.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/vendedlogs")["logGroups"]
    (group,) = [one["logGroupName"] for one in groups if one["logGroupName"].endswith(machine)]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return "\n".join(event["message"] for page in pages for event in page["events"])


def files_of(folder: Path) -> dict[str, str]:
    """What the synthesis has written."""
    return {str(path): path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()}
