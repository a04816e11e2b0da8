"""Which searches Step Functions' own task may create, and which the submit handler does."""

import botocore.session

from shardyard.spec.requests.sfn_tuning_fields import KNOWN_TUNING_FIELDS, unknown_to_tuning_task
from shardyard.spec.requests.tuning import to_tuning_request
from tests.support.spec.request_cases import DEPLOYMENT, RUN
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_request_cases import EVERYTHING, TUNING_JOB


def unknown(**tables):
    request = to_tuning_request(make(**tables), DEPLOYMENT, tuning_job=TUNING_JOB, run_id=RUN)
    return unknown_to_tuning_task(request)


def test_a_plain_search_of_an_algorithm_takes_the_task() -> None:
    assert unknown(**EVERYTHING["an algorithm"]) == ()


def test_a_program_needs_variables_that_the_task_is_not_known_to_take() -> None:
    assert unknown(**EVERYTHING["a grid"]) == ("TrainingJobDefinition.Environment",)


def test_every_field_on_the_list_is_one_of_the_request() -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.shape_for("CreateHyperParameterTuningJobRequest")
    for path in KNOWN_TUNING_FIELDS:
        found = shape
        for part in path.split("."):
            found = (found.member if found.type_name == "list" else found).members[part]
