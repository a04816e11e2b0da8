"""The built-in algorithms: dated data that is whole, and requests without what an algorithm brings itself."""

import re
from typing import get_args

import pytest

from contract.hyperparameters import encode
from scripts.catalogue.make_builtin import registries
from shardyard.spec.catalogue.builtin import BUILTIN, BUILTIN_DATE, BUILTIN_REGISTRIES
from shardyard.spec.catalogue.images import image_name
from shardyard.spec.jobs.program import Builtin
from shardyard.spec.requests.sfn_tuning_fields import unknown_to_tuning_task
from shardyard.spec.requests.training import to_request
from shardyard.spec.requests.tuning import to_tuning_request
from stacks.build import ROOT
from tests.support.spec.builtin_rule_cases import SEARCH, xgboost
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_request_cases import TUNING_JOB


def test_every_algorithm_of_the_file_has_its_data() -> None:
    assert set(BUILTIN) == set(get_args(Builtin))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", BUILTIN_DATE)


@pytest.mark.parametrize("algorithm", BUILTIN.values(), ids=BUILTIN)
def test_the_data_of_an_algorithm_is_whole(algorithm) -> None:
    accounts = BUILTIN_REGISTRIES[algorithm.registry]
    assert len(accounts) > 30 and {"us-east-1", "eu-central-1", "cn-north-1"} <= set(accounts)
    assert all(re.fullmatch(r"\d{12}", account) for account in accounts.values())
    assert algorithm.versions and "train" in algorithm.required_channels
    assert set(algorithm.metrics.values()) <= {"Minimize", "Maximize"} and algorithm.metrics
    assert algorithm.numbers and not set(algorithm.numbers) & set(algorithm.choices)
    for name, tunable in algorithm.tunable.items():
        if tunable.type == "categorical":
            assert set(map(encode, tunable.values)) <= {value.lower() for value in algorithm.choices[name]}
            continue
        least, most = tunable.values
        assert least < most and all(algorithm.numbers[name].takes(str(end)) for end in (least, most))
    for need in algorithm.required_with:
        assert need.name in algorithm.numbers


def test_an_algorithm_gets_texts_as_they_are() -> None:
    """It knows no quotes around them: a list of DeepAR's is a text, and so is a number in quotes."""
    given = {"cardinality": "[2, 3]", "num_layers": 2, "dropout_rate": "0.1", "use_bias": True}
    job = make(**xgboost(image={"builtin": "deepar"}, hyperparameters={"num_round": None, **given}))
    expected = {"cardinality": "[2, 3]", "num_layers": "2", "dropout_rate": "0.1", "use_bias": "true"}
    assert to_request(job, DEPLOYMENT, job_name="n", run_id=RUN)["HyperParameters"] == expected
    searched = make(**xgboost(hyperparameters={"seed": "7"}, tuning=SEARCH))
    request = to_tuning_request(searched, DEPLOYMENT, tuning_job=TUNING_JOB, run_id=RUN)
    assert request["TrainingJobDefinition"]["StaticHyperParameters"] == {"num_round": "10", "seed": "7"}


def test_the_request_has_the_newest_image_and_no_metrics_of_ours() -> None:
    job = make(**xgboost())
    assert (
        image_name(job, project="p", stage="dev", root=ROOT) == f"sagemaker-xgboost:{BUILTIN['xgboost'].versions[-1]}"
    )
    algorithm = to_request(job, DEPLOYMENT, job_name="n", run_id=RUN)["AlgorithmSpecification"]
    assert set(algorithm) == {"TrainingImage", "TrainingInputMode"}


def test_a_search_of_one_takes_step_functions_own_task() -> None:
    request = to_tuning_request(make(**xgboost(tuning=SEARCH)), DEPLOYMENT, tuning_job=TUNING_JOB, run_id=RUN)
    assert unknown_to_tuning_task(request) == ()
    assert "Environment" not in request["TrainingJobDefinition"]


def test_the_script_reads_the_newest_versions_accounts() -> None:
    old, new = {"us-east-1": "111111111111"}, {"us-east-1": "222222222222", "eu-west-1": "333333333333"}
    versions = {
        "1": {"registries": old, "repository": "old"},
        "0.90-1": {"registries": new, "repository": "new", "processors": ["cpu"]},
        "1.7-1": {"registries": new, "repository": "new"},
    }
    accounts, known, repository = registries({"training": {"versions": versions}})
    assert (list(accounts), known, repository) == (["eu-west-1", "us-east-1"], ["1.7-1"], "new")
