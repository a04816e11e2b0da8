"""Every policy that any feature brings, against AWS's service authorization reference."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aws_cdk as cdk
import pytest

from checks.iam import authorization, second_evaluator
from checks.iam.filled import Policy, policies
from checks.rules.model import Assembly, read_assembly
from embedded.access.evaluation.decision import Question, decide
from shardyard.spec.settings.settings import Settings
from stacks.build import ROOT, build_app
from tests.support.access.evaluated_cases import simulation
from tests.support.access.policy_cases import requests_of
from tests.support.automl.automl_features import (
    AUTOML_FEATURES,
    automl_choices,
    automl_job_of,
    covered_by_automl,
)
from tests.support.spec.job_features import JOB_FEATURES, all_on, covered_by_jobs, job_choices, job_of
from tests.support.spec.processing_features import (
    PROCESSING_FEATURES,
    covered_by_processing,
    processing_choices,
    processing_job_of,
)
from tests.support.spec.setting_features import SETTING_FEATURES, covered_by_settings, setting_choices
from tests.support.spec.transform_features import (
    TRANSFORM_FEATURES,
    covered_by_transform,
    transform_choices,
    transform_job_of,
)
from tests.support.templates import Scenario
from tests.support.training_stack import build

ALONE = {f"alone{number}": tables for number, tables in enumerate(JOB_FEATURES.values())}
TOGETHER = {f"together{number}": tables for number, tables in enumerate(all_on())}


def assembly_of(jobs: Mapping[str, Mapping[str, Any]], **context: Any) -> Assembly:
    app, _ = build([job_of(name, tables) for name, tables in jobs.items()], **context)
    return read_assembly(Path(app.synth().directory))


def in_stacks(jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same jobs, twenty to a stack: one has not room for all."""
    return {name: {"stack": f"stack{number // 20}", **tables} for number, (name, tables) in enumerate(jobs.items())}


@pytest.fixture(scope="module")
def alone() -> Assembly:
    return assembly_of(in_stacks(ALONE))


@pytest.fixture(scope="module")
def together() -> Assembly:
    return assembly_of(in_stacks(TOGETHER))


@pytest.fixture(scope="module")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the smallest job."""
    root = tmp_path_factory.mktemp("project")
    (root / "containers").symlink_to(ROOT / "containers")
    (root / "jobs").mkdir()
    tables = '[image]\nfolder = "pytorch"\n[program]\nentry = "training.pytorch.programs.mnist"\n'
    (root / "jobs" / "tiny.toml").write_text(f'{tables}[compute]\ninstance_type = "ml.g5.xlarge"\n')
    return root


def said(found: Iterator[Policy]) -> list[str]:
    return [line for policy in found for line in authorization.problems(policy)]


def test_every_field_of_a_job_and_of_the_settings_is_in_a_feature() -> None:
    """A new field, or a new value of a choice, has no feature yet: give it one."""
    assert job_choices() - covered_by_jobs() == set()
    assert setting_choices() - covered_by_settings() == set()
    assert processing_choices() - covered_by_processing() == set()
    assert transform_choices() - covered_by_transform() == set()
    assert automl_choices() - covered_by_automl() == set()


def test_each_feature_alone(alone: Assembly) -> None:
    found = list(policies(alone))
    assert sum(map(authorization.pairs, found)) > 500
    assert said(iter(found)) == []


def test_each_feature_of_a_processing_job_alone() -> None:
    jobs = [processing_job_of(f"alone{n}", tables) for n, tables in enumerate(PROCESSING_FEATURES.values())]
    app, _ = build([replace(job, stack=f"stack{n // 20}") for n, job in enumerate(jobs)])
    found = list(policies(read_assembly(Path(app.synth().directory))))
    assert sum(map(authorization.pairs, found)) > 300
    assert said(iter(found)) == []


def test_each_feature_of_a_transform_job_alone() -> None:
    jobs = [transform_job_of(f"alone{n}", tables) for n, tables in enumerate(TRANSFORM_FEATURES.values())]
    app, _ = build([replace(job, stack=f"stack{n // 20}") for n, job in enumerate(jobs)])
    found = list(policies(read_assembly(Path(app.synth().directory))))
    assert sum(map(authorization.pairs, found)) > 300
    assert said(iter(found)) == []


def test_each_feature_of_an_automl_job_alone() -> None:
    jobs = [automl_job_of(f"alone{n}", tables) for n, tables in enumerate(AUTOML_FEATURES.values())]
    app, _ = build([replace(job, stack=f"stack{n // 20}") for n, job in enumerate(jobs)])
    found = list(policies(read_assembly(Path(app.synth().directory))))
    assert sum(map(authorization.pairs, found)) > 300
    assert said(iter(found)) == []


def test_all_that_goes_together(together: Assembly) -> None:
    assert len(TOGETHER) < len(ALONE) / 3
    assert said(policies(together)) == []


@pytest.mark.parametrize("name", sorted(SETTING_FEATURES))
def test_each_setting_alone(name: str, small_project: Path) -> None:
    app = cdk.App(outdir=mkdtemp())
    build_app(app, Settings.from_context(SETTING_FEATURES[name]), root=small_project)
    found = list(policies(read_assembly(Path(app.synth().directory))))
    assert len(found) > 10
    assert said(iter(found)) == []


def test_all_settings_on(scenario: Scenario) -> None:
    assert said(policies(scenario("everything on, prod").assembly)) == []


def test_two_evaluators_allow_what_each_statement_is_there_for(scenario: Scenario, alone: Assembly) -> None:
    """The request that each statement has in mind is allowed by our guard and another's; without its context by none.

    The other one also knows which resources an action may be asked on: a request for another is an error of it.
    """
    found = [policy for one in (scenario("everything on").assembly, alone) for policy in policies(one)]
    cases = {}
    for policy in found:
        for name, question in requests_of(policy):
            cases[json.dumps([name, dict(question.context)], sort_keys=True)] = question
    bare = {name: replace(one, context={}) for name, one in cases.items() if one.context and _is_only_way(one)}
    asked = [*cases.values(), *bare.values()]
    said = second_evaluator.answers([simulation(one) for one in asked])
    ours = ["Allowed" if decide(one).allowed else "ImplicitlyDenied" for one in asked]
    assert [(name, one["error"]) for name, one in zip([*cases, *bare], said, strict=True) if "error" in one] == []
    wanted = ["Allowed"] * len(cases) + ["ImplicitlyDenied"] * len(bare)
    named = list(zip([*cases, *bare], wanted, ours, [one["result"] for one in said], strict=True))
    assert len(cases) > 300 and len(bare) > 20
    differ = [one for one in named if not one[1] == one[2] == one[3]]
    # The KMS guide (condition keys) lists kms:EncryptionContext:KEY for Decrypt; the other evaluator ignores it there
    assert [one for one in differ if one[1] != one[2] or "kms:EncryptionContext:SecretARN" not in one[0]] == []


def _is_only_way(question: Question) -> bool:
    """Whether the policy has no statement without a condition for the same."""
    (document,) = question.identity
    allowed = [one for one in document["Statement"] if "Condition" not in one]
    return not decide(replace(question, identity=[{**document, "Statement": allowed}])).allowed
