"""Parameters, input and fallbacks: who has the last word, and what cannot be changed."""

from typing import Any

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.overrides import LaunchInput, apply_fallback, apply_input, apply_parameters
from tests.support.spec.spec_tables import make

GROUPS = {"instance_type": None, "groups": [{"name": "a", "instance_type": "ml.g5.xlarge"}]}


def test_an_empty_parameter_says_nothing() -> None:
    spec, sources = apply_parameters(make(), {"instance_type": "", "instance_count": "", "spot": ""})
    assert spec == make()
    assert set(sources.values()) == {"toml"}


def test_precedence_is_file_stage_parameter_input() -> None:
    spec = make(from_stage=["compute.count", "hyperparameters.b"], hyperparameters={"a": 1, "b": 2})
    spec, sources = apply_parameters(spec, {"instance_count": "3", "max_runtime_seconds": "2h", "spot": "false"})
    launch = LaunchInput.from_dict({"instance_count": 4, "hyperparameters": {"a": 5, "new": "x"}})
    spec, sources = apply_input(spec, launch, sources)
    assert (spec.compute.count, spec.limits.max_runtime_seconds, spec.spot.enabled) == (4, 7200, False)
    assert spec.hyperparameters == {"a": 5, "b": 2, "new": "x"}
    assert sources == {
        "instance_type": "toml",
        "instance_count": "input",
        "spot": "parameter",
        "max_runtime_seconds": "parameter",
        "cap_usd": "toml",
        "processes_per_node": "toml",
        "volume": "toml",
        "hyperparameters.a": "input",
        "arguments": "toml",
        "hyperparameters.b": "stage",
        "hyperparameters.new": "input",
    }


def test_every_value_of_the_input_changes_the_job() -> None:
    raw: dict[str, Any] = {
        "hyperparameters": {"a": 1},
        "environment": {"X": "y"},
        "instance_type": "ml.g6.xlarge",
        "instance_count": 3,
        "spot": True,
        "max_runtime_seconds": 60,
        "cap_usd": 5,
        "processes_per_node": 2,
        "volume": "1TB",
        "source_sha256": "b" * 64,
    }
    spec, _ = apply_input(make(source={"dir": "src"}), LaunchInput.from_dict(raw))
    assert (spec.hyperparameters, spec.environment) == ({"a": 1}, {"X": "y"})
    assert (spec.compute.instance_type, spec.compute.count, spec.spot.enabled) == ("ml.g6.xlarge", 3, True)
    assert (spec.limits.max_runtime_seconds, spec.cost.cap_usd) == (60, 5.0)
    assert spec.compute.volume_gb == 1024
    assert spec.program is not None and spec.program.processes_per_node == 2
    assert spec.source is not None and spec.source.sha256 == "b" * 64


def test_input_is_json_and_back() -> None:
    raw = {"hyperparameters": {"a": 1}, "spot": False, "run_id": "20260101-000000-abcd"}
    assert LaunchInput.from_dict(raw).to_dict() == raw
    assert LaunchInput.from_dict({}).to_dict() == {}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"instance_typ": "x"}, "instance_typ: unknown key; did you mean 'instance_type'?"),
        ({"instance_count": "2"}, "instance_count: '2' is not allowed (a whole number)"),
        ({"instance_count": 0}, "instance_count: 0 is not allowed (1 or more)"),
        ({"instance_type": "g5"}, "instance_type: 'g5' is not allowed (a training instance type such as ml.g5.xlarge)"),
        ({"spot": "yes"}, "spot: 'yes' is not allowed (true or false)"),
        ({"source_sha256": "abc"}, "source_sha256: 'abc' is not allowed (64 hex digits)"),
        ({"hyperparameters": {"a": None}}, "hyperparameters.a: None is not allowed (a text, a number, true or false)"),
    ],
)
def test_a_wrong_input_says_what_is_wrong(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as raised:
        LaunchInput.from_dict(raw)
    assert str(raised.value) == says


@pytest.mark.parametrize(
    ("tables", "raw", "says"),
    [
        (
            {"compute": GROUPS},
            {"instance_type": "ml.g6.xlarge"},
            "instance_type: the job has compute.groups, which set their own; change them there",
        ),
        (
            {"compute": GROUPS},
            {"instance_count": 2},
            "instance_count: the job has compute.groups, which set their own; change them there",
        ),
        (
            {},
            {"source_sha256": "a" * 64},
            "source_sha256: the job has no [source] dir, so it cannot take a bundle of code",
        ),
        (
            {"program": None},
            {"processes_per_node": 2},
            "processes_per_node: the job has no [program], so nothing would read it",
        ),
    ],
)
def test_what_cannot_apply_is_refused(tables: dict[str, Any], raw: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as raised:
        apply_input(make(**tables), LaunchInput.from_dict(raw))
    assert str(raised.value) == says


def test_a_fallback_brings_what_belongs_to_its_type() -> None:
    fallback = {
        "instance_type": "ml.g6.12xlarge",
        "processes_per_node": 4,
        "hyperparameters": {"batch_size": 8},
        "environment": {"FI_PROVIDER": "efa"},
    }
    spec = make(
        program={"processes_per_node": 1},
        compute={"count": 3, "fallback": [{"instance_type": "ml.g5.2xlarge", "count": 1}, fallback]},
        hyperparameters={"batch_size": 32, "epochs": 2},
    )
    assert apply_fallback(spec, 0) == spec
    first, second = apply_fallback(spec, 1), apply_fallback(spec, 2)
    assert (first.compute.instance_type, first.compute.count) == ("ml.g5.2xlarge", 1)
    assert first.program is not None and first.program.processes_per_node is None
    assert (second.compute.instance_type, second.compute.count) == ("ml.g6.12xlarge", 3)
    assert second.program is not None and second.program.processes_per_node == 4
    assert second.hyperparameters == {"batch_size": 8, "epochs": 2}
    assert second.environment == {"FI_PROVIDER": "efa"}


def test_a_fallback_of_groups_takes_as_many_instances() -> None:
    groups = [{"name": name, "instance_type": "ml.g5.xlarge", "count": 2} for name in ("a", "b")]
    spec = make(compute={"instance_type": None, "groups": groups, "fallback": [{"instance_type": "ml.g6.xlarge"}]})
    fallen = apply_fallback(spec, 1).compute
    assert (fallen.instance_type, fallen.count, fallen.groups) == ("ml.g6.xlarge", 4, ())
