"""The file of a transform job: what it may say, and how it is refused."""

from typing import Any

import pytest

from shardyard.spec.catalogue.cost import worst_case
from shardyard.spec.catalogue.prices import Price
from shardyard.spec.catalogue.quotas import needed_by_job
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job_file import parse_variants
from shardyard.spec.jobs.kinds import spec_of
from shardyard.spec.jobs.overrides import LaunchInput, apply_input
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.named_inputs import named_input_problems
from shardyard.spec.rules import accepted_instance_types
from tests.support.spec.request_cases import DEPLOYMENT
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE


def make(**tables: Any) -> TransformSpec:
    return TransformSpec.from_dict(over(BASE, tables))


def refused(**tables: Any) -> list[str]:
    problems: list[Problem] = []
    raw = over({key: value for key, value in BASE.items() if key != "name"}, tables)
    assert parse_variants(raw, "score", "dev", where="", problems=problems) is None
    return [str(problem) for problem in problems]


def test_what_is_written_is_read_back() -> None:
    spec = make(data_processing={"join": "Input"}, batching={"timeout": "2m"}, capture={"s3": "captured/"})
    assert spec_of(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"model": {"run": None}}, "model: it does not say which model (exactly one of run, s3)"),
        ({"model": {"s3": "m.tar.gz"}}, "model: run and s3 exclude each other (exactly one of run, s3)"),
        ({"batching": {"retries": 4}}, "batching.retries: 4 is not allowed (0 to 3)"),
        ({"batching": {"max_payload_mb": 101}}, "batching.max_payload_mb: 101 is not allowed (0 to 100)"),
        ({"batching": {"timeout": "2h"}}, "batching.timeout: 2h is not allowed (1s to 1h)"),
    ],
)
def test_a_wrong_value_is_told(tables: dict[str, Any], said: str) -> None:
    assert said in refused(**tables)


def test_a_model_names_a_job_and_one_of_its_runs() -> None:
    (said,) = refused(model={"run": "mnist-ddp"})
    assert said.startswith("model.run: 'mnist-ddp' is not allowed (a job and one of its runs")
    assert make(model={"run": "mnist-ddp:20261121-073000-a1b2"}).model.run is not None


def test_a_launch_may_name_its_input_below_the_files() -> None:
    spec = make(inputs={"rows": {"named_at_launch": True}})
    given = LaunchInput.from_dict({"inputs": {"rows": "s3://data-bucket/digits/rows/today/"}})
    changed, sources = apply_input(spec, given)
    assert changed.input.s3 == "s3://data-bucket/digits/rows/today/"
    assert sources["inputs.rows"] == "input"
    assert list(named_input_problems(spec, changed, given, DEPLOYMENT)) == []
    elsewhere = LaunchInput.from_dict({"inputs": {"rows": "s3://other/rows/"}})
    moved, _ = apply_input(spec, elsewhere)
    (problem,) = named_input_problems(spec, moved, elsewhere, DEPLOYMENT)
    assert "is not below s3://data-bucket/digits/rows/" in str(problem)
    (missing,) = named_input_problems(spec, spec, LaunchInput(), DEPLOYMENT)
    assert "each launch names its address" in str(missing)


def test_hyperparameters_and_spot_are_of_training_jobs() -> None:
    for raw in ({"hyperparameters": {"a": 1}}, {"spot": True}):
        with pytest.raises(SpecError, match="score is a transform job, which has no"):
            apply_input(make(), LaunchInput.from_dict(raw))


def test_it_needs_the_quotas_of_transform_jobs() -> None:
    assert needed_by_job(make(compute={"count": 3})) == {
        "ml.m5.large for transform job usage": 3,
        "Number of instances across all transform jobs": 3,
        "Number of instances for a transform job": 3,
    }


def test_its_worst_case_is_its_longest_run_and_no_disk() -> None:
    price = Price(hourly_usd=2.0, storage_usd_per_gb_month=0.14, source="test")
    cost = worst_case(make(compute={"count": 3}, limits={"max_runtime": "30m"}), lambda kind: price)
    assert cost.usd == 3.0
    assert not any("volume" in line for line in cost.lines)


def test_its_parameter_takes_types_that_transform() -> None:
    types = accepted_instance_types(make())
    assert "ml.m6i.xlarge" in types and "ml.t3.medium" not in types
