"""The quotas stack when it is fed from the jobs."""

import json
from pathlib import Path

from checks.rules.model import Assembly
from checks.scenarios import synthesise
from shardyard.spec.catalogue.quotas import needed_together
from shardyard.spec.job_folder import load_jobs
from tests.support.templates import one

ROOT = Path(__file__).parents[2]


def test_increases_are_only_asked_of_the_services_that_the_settings_name(everything: Assembly) -> None:
    policy = one(everything, "AWS::IAM::ManagedPolicy", "RequesterFunctionPolicy")
    asks = {
        json.dumps(statement["Action"]): json.dumps(statement["Resource"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
    }
    assert asks['"servicequotas:RequestServiceQuotaIncrease"'].endswith(':sagemaker/*"]]}')


def test_what_all_jobs_need_at_once_is_asked_for() -> None:
    assembly = synthesise({"quotas.from_jobs": "true"}).assembly
    (resource,) = assembly.resources("Custom::ServiceQuotas")  # each would read all pages of all quotas for itself
    asked = {one["QuotaName"]: float(one["AtLeast"]) for one in resource.properties["Quotas"]}
    assert asked == {name: float(value) for name, value in needed_together(load_jobs(ROOT / "jobs", "dev")).items()}
