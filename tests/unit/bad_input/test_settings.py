"""cdk.json and `-c key=value`: damaged files, wrong values, keys that are none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.settings.settings import Settings
from tests.support.bad_input import everything, hold_the_rule, project, yard

DEEP = 5000
RAW: dict[str, str | bytes] = {
    "nothing": "",
    "half": '{"context": {"stage": "dev"',
    "a list": "[]",
    "a number": "5",
    "a text": '"x"',
    "null": "null",
    "a context that is a number": '{"context": 5}',
    "a context that is a list": '{"context": []}',
    "a comma too many": '{"context": {},}',
    "a comment": "{} // mine",
    "nul": b"\0",
    "not utf-8": b'{"context": {"owner": "caf\xe9"}}',
    "utf-16": '{"context": {}}'.encode("utf-16"),
    "lists 5,000 deep": '{"context": {"tags": ' + "[" * DEEP + "]" * DEEP + "}}",
    "tables 5,000 deep": '{"context": {"tags": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}}",
    "a list 100,000 deep": "[" * 100_000,
    "tables 60 deep": '{"context": {"tags": ' + '{"a":' * 60 + "1" + "}" * 60 + "}}",
    "a number of 5,000 digits": '{"context": {"network.zones": ' + "9" * 5000 + "}}",
    "five megabytes": '{"context": {"owner": "' + "x" * 5_000_000 + '"}}',
}


@pytest.mark.parametrize("content", RAW.values(), ids=RAW.keys())
def test_a_damaged_file_is_said_to_be(tmp_path: Path, content: str | bytes) -> None:
    root = project(tmp_path / "p")
    (root / "cdk.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    before = everything(root)
    hold_the_rule(yard(root, "check"))
    assert everything(root) == before


VALUES: list[tuple[str, Any]] = [
    ("stage", "nightly"),
    ("stage", 5),
    ("stage", None),
    ("stage", ["dev"]),
    ("stage", ""),
    ("stage", "Dev"),
    ("project", "X"),
    ("project", "a"),
    ("project", "a" * 40),
    ("project", "a_b"),
    ("project", ""),
    ("project", 3),
    ("owner", ""),
    ("owner", "a\nb"),
    ("owner", "x" * 200),
    ("owner", {"a": 1}),
    ("network.kind", "old"),
    ("network.zones", "zero"),
    ("network.zones", 0),
    ("network.zones", -1),
    ("network.zones", 99),
    ("network.zones", "9" * 5000),
    ("network.zones", 2.5),
    ("network.zones", True),
    ("network.cidr", "10.0.0.0/33"),
    ("network.cidr", "x"),
    ("network.cidr", 10),
    ("network.vpc_id", "vpc"),
    ("network.subnet_ids", "a,b"),
    ("network.interface_endpoints", "mars"),
    ("network.interface_endpoints", {"a": 1}),
    ("network", 5),
    ("network", []),
    ("network.colour", "red"),
    ("training.jobs", "/etc"),
    ("training.jobs", "../.."),
    ("training.jobs", "gone"),
    ("training.jobs", ""),
    ("training.jobs", "a b"),
    ("training.jobs", "jobs/../.."),
    ("training.jobs", "x" * 5000),
    ("training.jobs", "nul\0"),
    ("training.cap_usd", "nan"),
    ("training.cap_usd", "inf"),
    ("training.cap_usd", -1),
    ("training.cap_usd", "1e400"),
    ("training.cap_usd", "many"),
    ("training.max_cost_usd", 5),
    ("training.no_jobs", "perhaps"),
    ("budget.monthly_usd", "-5"),
    ("budget.monthly_usd", [1]),
    ("budget.monthly_usd", "NaN"),
    ("alerts.emails", "nobody"),
    ("alerts.emails", 5),
    ("tags.aws:x", "1"),
    ("tags.project", "x"),
    ("tags", "x"),
    ("tags.a", "x" * 300),
    ("tags.a", 5),
    ("tags." + "k" * 200, "x"),
    ("notebooks.enabled", "yes"),
    ("notebooks.volume", "50 GBs"),
    ("notebooks.volume", "1PB"),
    ("quotas.requests", "[{}]"),
    ("quotas.requests", "["),
    ("quotas.requests", "[" * DEEP),
    ("quotas.requests", "[1]"),
    ("quotas.requests", [{"name": "x", "at_least": -1}]),
    ("retention.log_days", 4),
    ("retention.log_days", "x"),
    ("sweeper.every_hours", 0),
    ("sweeper.every_hours", "1h"),
    ("identity.permissions_boundary", "arn:aws:s3:::x"),
    ("identity.permissions_boundary", "x" * 3000),
    ("colour", "red"),
    ("notebook", 1),
    ("projekt", "x"),
    (".", 1),
    ("a..b", 1),
    (".".join(["network"] * 3000), 1),
    ("k" * 100_000, 1),
    ("\ud800", 1),
    ("owner", "\ud800"),
    ("tags.a", "\ud800"),
    ("line\nbreak", 1),
    ("training", {"jobs": {"a": 1}}),
    ("network.existing", True),
]


@pytest.mark.parametrize(("key", "value"), VALUES, ids=lambda value: repr(value)[:40])
def test_a_wrong_value_is_one_line(tmp_path: Path, key: str, value: Any) -> None:
    root = project(tmp_path / "p", settings=json.dumps({"context": {key: value}}))
    hold_the_rule(yard(root, "check"))


@pytest.mark.parametrize(("key", "value"), VALUES, ids=lambda value: repr(value)[:40])
def test_a_wrong_value_by_the_option_c_is_lines_too(key: str, value: Any) -> None:
    """What CDK hands over after `-c`: every value is a text. Whether a folder is there, synth says."""
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        settings = Settings.from_context({key: text})
    except SpecError as error:
        lines = str(error).splitlines()
        assert 1 <= len(lines) <= 20 and all(0 < len(line) < 1000 and line.isprintable() for line in lines)
    else:
        accepted = key in (
            "training.jobs",
            "tags.a",
            "training.cap_usd",
            "network.zones",
            "stage",
            "owner",
            "training.no_jobs",
        )
        assert accepted, settings


@pytest.mark.parametrize("kind", ["folder", "pipe", "circle", "device"])
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    root = project(tmp_path / "p")
    path = root / "cdk.json"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "cdk.json")
    hold_the_rule(yard(root, "check"))
