"""After any sequence of changed settings a removal leaves nothing but what it says, also of what the app has lost."""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded.inventory import left_behind
from shardyard.spec.settings.settings import Settings, context_of
from tests.cloud.conftest import ACCOUNT, REGION, Cloud
from tests.support.cloud import assemblies
from tests.support.cloud.house import ROOT, CloudAws
from yard.account import deletion, moves, moving, removal
from yard.account.stacks import deployed_stacks
from yard.project import Project

SEQUENCES = int(os.environ.get("YARD_SEQUENCES", "5"))
"""Of ten changes each; twenty take a quarter of an hour."""
CHANGES: dict[str, tuple[Any, ...]] = {
    "network.kind": ("new", "none"),
    "network.zones": ("1", "2", "3"),
    "notebooks.enabled": ("true", "false"),
    "quotas.from_jobs": ("true", "false"),
    "sweeper.enabled": ("true", "false"),
    "alerts.email": ("", "team@example.com"),
    "budget.monthly_usd": ("50", "100"),
    "retention.log_days": ("30", "90"),
}
"""Settings and the values that a person may set in any order."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A project when it is removed."""

    lost: list[str]
    """The stacks that were deployed and that the app no longer had."""
    left: dict[str, list[str]]
    """What there is afterwards and was not before, by kind."""
    refused: list[str]
    """The changes that CloudFormation rolled back."""


def live(cloud: Cloud, folder: Path, seed: int, changes: int) -> Ended:
    """Deploy, change one setting after the other and deploy each, then remove everything."""
    chosen = random.Random(seed)
    done, refused = list[str](), list[str]()
    before, removed = cloud.admin("inventory")["inventory"], list[str]()
    aws = CloudAws(Project(root=ROOT, settings=Settings(project=f"life-{seed}")), cloud=cloud)
    flags = {key: value for key, value in context_of(ROOT / "cdk.json").items() if key.startswith("@aws-cdk/")}
    # without a VPC notebooks need the direct way out
    settings: dict[str, Any] = {"project": f"life-{seed}", "notebooks.git_access": "direct"}
    for number in range(changes + 1):
        if number:
            key = chosen.choice(sorted(CHANGES))
            value = chosen.choice([one for one in CHANGES[key] if one != settings.get(key)])
            settings[key] = value
            done.append(f"{key}={value}")
        out = folder / f"{seed}-{number}"
        assemblies.synthesise(out, {**flags, **settings})
        # what `yard move` does first: a stack that the app has lost may hold what another is to give up
        steps = moves.steps_of_leftovers(moving.deployed_templates(aws), assemblies.templates(out))
        deletion.delete(
            aws, [one for step in steps for one in deployed_stacks(aws) if one.name == step.deletes], tell=print
        )
        removed += [str(step.deletes) for step in steps]
        try:
            assemblies.deploy(cloud, out, account=ACCOUNT, region=REGION)
        except assemblies.RefusedError as error:
            # such as a notebook's other network: its name is taken while it is replaced. The next change may be right.
            refused.append(f"{done[-1]}: {error}")
    stacks = deployed_stacks(aws)
    assert {"storage", "training"} <= {stack.name.rpartition("-")[2] for stack in stacks}
    assert [fate.resource for fate in removal.fates(aws, stacks) if fate.stack and fate.fate == "stays"] == []
    deletion.refuse_what_cannot_go(aws, stacks)
    deletion.delete(aws, stacks, tell=print)
    assert deployed_stacks(aws) == ()
    left = left_behind(before, cloud.admin("inventory")["inventory"])
    lost = {*removed, *(stack.name for stack in stacks)} - assemblies.templates(out).keys()
    print(done, refused)
    return Ended(lost=sorted(lost), left=left, refused=refused)


@pytest.mark.e2e
@pytest.mark.parametrize(("seed", "lost"), [(7, "quotas"), pytest.param(27, "notebooks", marks=pytest.mark.slow)])
def test_nothing_is_left_after_a_few_changes(bootstrapped_cloud: Cloud, tmp_path: Path, seed: int, lost: str) -> None:
    ended = live(bootstrapped_cloud, tmp_path, seed, changes=4)
    assert ended.lost == [f"life-{seed}-dev-{lost}"], "the sequence was chosen because the app loses a stack in it"
    assert (ended.left, ended.refused) == ({}, [])


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + SEQUENCES))
def test_nothing_is_left_after_any_ten_changes(bootstrapped_cloud: Cloud, tmp_path: Path, seed: int) -> None:
    assert live(bootstrapped_cloud, tmp_path, seed, changes=10).left == {}
