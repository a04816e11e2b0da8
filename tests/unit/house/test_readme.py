"""The README names what the code has: its tables of settings, parameters and prices cannot go stale."""

import dataclasses
import json
import re
from pathlib import Path
from typing import get_type_hints

import pytest

from shardyard.spec.jobs.stack_parameters import job_parameters
from shardyard.spec.settings.parameters import FOUNDATION
from shardyard.spec.settings.settings import Settings
from tests.support.spec.spec_tables import make

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_page_is_linked_and_every_link_leads_somewhere() -> None:
    linked = set(re.findall(r"\]\((docs/[a-z]+/[a-z0-9-]+\.md)\)", README))
    assert linked == {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")}


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_setting_of_the_table_is_one() -> None:
    cells = [line.split("|")[1] for line in section("Settings and parameters").splitlines() if line.startswith("| `")]
    named = [name for cell in cells for name in re.findall(r"`([a-z_.]+)`", cell)]
    assert len(named) >= 8
    for name in named:
        cls: type = Settings
        for part in name.split("."):
            assert part in {field.name for field in dataclasses.fields(cls)}, name
            cls = get_type_hints(cls)[part]


def test_every_parameter_is_named() -> None:
    own = [parameter.name.replace("Job", "<Job>", 1) for parameter in job_parameters(make(), ()).values()]
    for name in (*(parameter.name for parameter in FOUNDATION), *own):
        assert f"`{name}`" in section("Settings and parameters"), name


@pytest.mark.parametrize("name", ["AWS::KMS::Key", "AWS::CloudWatch::Dashboard", "AWS::CloudWatch::Alarm"])
def test_idle_prices_are_those_of_the_snapshot(name: str) -> None:
    prices = json.loads((ROOT / "constructs/shardyard/spec/catalogue/data/idle_prices.json").read_text())
    amounts = re.findall(r"\| (\d+\.\d\d) \|", section("What it costs while nothing runs"))
    assert f"{prices['monthly_usd'][name]['usd']:.2f}" in amounts
    assert f"{prices['interface_endpoint_zone_monthly_usd']:.2f}" in amounts
    assert f"{prices['notebook_volume_gb_monthly_usd'] * 20:.2f}" in amounts
