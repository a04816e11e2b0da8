"""A processing job's file: what it may say, what a launch may change, and what the launch costs."""

from typing import Any

import pytest

from shardyard.spec.catalogue.cost import worst_case
from shardyard.spec.catalogue.prices import Price
from shardyard.spec.catalogue.quotas import needed_by_job
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import parse_variants
from shardyard.spec.jobs.kinds import spec_of
from shardyard.spec.jobs.overrides import LaunchInput, apply_fallback, apply_input, apply_parameters, value_of
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.stack_parameters import job_parameters
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import make as make_training
from tests.support.spec.spec_tables import over

FILE = {key: value for key, value in BASE.items() if key != "name"}


def make(**tables: Any) -> ProcessingSpec:
    return ProcessingSpec.from_dict(over(BASE, tables))


def said(raw: Any) -> list[str]:
    problems: list[Problem] = []
    parse_variants(raw, "prepare", "dev", where="", problems=problems)
    return [str(problem) for problem in problems]


def test_a_file_says_its_kind_and_a_definition_keeps_it() -> None:
    problems: list[Problem] = []
    variants = parse_variants({**FILE, "inputs": {"raw": {"s3": "a/"}}}, "prepare", "dev", where="", problems=problems)
    assert problems == [] and variants is not None
    spec = variants["dev"]
    assert isinstance(spec, ProcessingSpec)
    assert spec_of(spec.to_dict()) == spec
    assert isinstance(spec_of(make_training().to_dict()), JobSpec)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"kind": "procesing"}, "kind: 'procesing' is no kind of job; did you mean 'processing'?"),
        ({"kind": 3}, "kind: 3 is no kind of job; one of training, processing"),
        ({"overrides": {"prod": {"kind": "training"}}}, "[overrides.prod] kind: is the same in every stage (write it "
         "above all tables)"),
        ({"channels": {}}, "channels: unknown key;"),
        ({"inputs": {"raw": {}}}, "inputs.raw: it does not say where its data lies"),
        ({"inputs": {"raw": {"s3": "/a"}}}, "inputs.raw.s3: '/a' is not allowed (a key prefix"),
        ({"inputs": {"raw": {"s3": "a/", "local_path": "/opt/ml/model"}}}, "inputs.raw.local_path: '/opt/ml/mo"),
        ({"inputs": {"raw": {"s3": "a/", "local_path": "/opt/ml/processing/../x"}}}, "inputs.raw.local_path: "),
        ({"outputs": {"o": {"s3": "a/", "feature_group": "g"}}}, "outputs.o: s3 and feature_group exclude each other"),
        ({"compute": {"groups": []}}, "compute.groups: unknown key"),
        ({"compute": {"preferences": [{"instance_type": "ml.m5.large"}]}}, "compute: instance_type and preferences"),
        ({"spark": {"application": "../x.py"}}, "spark.application: '../x.py' is not allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_said(tables: dict[str, Any], says: str) -> None:
    assert any(line.startswith(says) for line in said(over(FILE, tables))), said(over(FILE, tables))


def test_a_launch_changes_what_a_processing_job_has() -> None:
    spec = make(inputs={"raw": {"s3": "digits/raw/"}}, environment={"A": "1"})
    assert set(job_parameters(spec, ())) == {"instance_type", "instance_count", "max_runtime_seconds"}
    changed, sources = apply_parameters(spec, {"instance_type": "ml.m5.xlarge", "instance_count": ""})
    given = LaunchInput.from_dict(
        {"instance_type": "ml.m5.2xlarge", "environment": {"B": "2"}, "inputs": {"raw": "digits/raw/today/"}}
    )
    changed, sources = apply_input(changed, given, sources)
    assert changed.compute.instance_type == "ml.m5.2xlarge"
    assert changed.environment == {"A": "1", "B": "2"}
    assert value_of(changed, "inputs.raw") == "digits/raw/today/"
    assert sources["instance_type"] == sources["inputs.raw"] == "input" and sources["instance_count"] == "toml"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"spot": True}, "spot: prepare is a processing job, which has no spot.enabled"),
        ({"hyperparameters": {"a": 1}}, "hyperparameters: prepare is a processing job, which has no hyperparameters"),
        ({"inputs": {"rwa": "x/"}}, "inputs.rwa: the job has no such input; did you mean 'raw'?"),
        ({"inputs": {"rows": "x/"}}, "inputs.rows: it is the result of a query, which has no address"),
    ],
)
def test_a_launch_that_asks_for_something_else_is_refused(given: dict[str, Any], says: str) -> None:
    rows = {"athena": {"database": "d", "query": "select 1"}}
    spec = make(inputs={"raw": {"s3": "digits/raw/"}, "rows": rows})
    with pytest.raises(SpecError) as error:
        apply_input(spec, LaunchInput.from_dict(given))
    assert [str(problem) for problem in error.value.problems] == [says]


def test_a_training_job_has_no_inputs_to_name() -> None:
    with pytest.raises(SpecError, match="inputs: job is a training job, which has no inputs"):
        apply_input(make_training(), LaunchInput.from_dict({"inputs": {"raw": "x/"}}))


def test_quotas_and_the_worst_case_are_those_of_processing() -> None:
    fallback = [{"instance_type": "ml.m5.xlarge", "environment": {"WORKERS": "4"}}]
    spec = make(compute={"count": 2, "fallback": fallback}, limits={"max_runtime": "2h"})
    assert needed_by_job(spec) == {
        "ml.m5.large for processing job usage": 2,
        "ml.m5.xlarge for processing job usage": 2,
        "Number of instances across all processing jobs": 2,
        "Number of instances for a processing job": 2,
        "Longest run time for a processing job": 7200,
    }
    assert apply_fallback(spec, 1).environment == {"WORKERS": "4"}
    cost = worst_case(spec, lambda kind: Price(hourly_usd=1.0, storage_usd_per_gb_month=0.0, source="a test"))
    assert cost.usd == 4.0
