"""CreateAutoMLJobV2 and its like for the fakes of services: jobs end at once, as is said next."""

from datetime import timedelta
from typing import Any

from tests.support.fakes.fake_aws import OPERATIONS, STARTED, FakeAws, failure, fits_the_model

AUTOML_JOBS: dict[str, dict[str, Any]] = {}
_ARN = "arn:aws:sagemaker:us-east-1:123456789012"


def best(name: str) -> dict[str, Any]:
    """The best candidate of a job: one training job's."""
    return {
        "CandidateName": f"{name}-best",
        "CandidateStatus": "Completed",
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": [
            {
                "CandidateStepType": "AWS::SageMaker::TrainingJob",
                "CandidateStepArn": f"{_ARN}:training-job/{name}-training",
                "CandidateStepName": f"{name}-training",
            }
        ],
        "FinalAutoMLJobObjectiveMetric": {"MetricName": "F1", "Value": 0.9},
        "InferenceContainers": [{"Image": "i", "ModelDataUrl": f"s3://artifacts/runs/r/customers/{name}/model.tar.gz"}],
    }


def create(aws: FakeAws, **request: Any) -> Any:
    fits_the_model("CreateAutoMLJobV2", request)
    name = request["AutoMLJobName"]
    assert name not in AUTOML_JOBS, "an AutoML job's name is used twice"
    outcome = dict(aws.outcomes.pop(0)) if aws.outcomes else {"AutoMLJobStatus": "Completed"}
    if "error" in outcome:
        raise failure(outcome["error"], outcome["message"])
    AUTOML_JOBS[name] = {
        **request,
        "AutoMLJobArn": f"{_ARN}:automl-job/{name}",
        "AutoMLJobSecondaryStatus": outcome["AutoMLJobStatus"],
        "AutoMLProblemTypeConfigName": "Tabular",
        "CreationTime": STARTED,
        "EndTime": STARTED + timedelta(seconds=1800),
        "ResolvedAttributes": {"AutoMLJobObjective": {"MetricName": "F1"}},
        "BestCandidate": best(name),
        **outcome,
    }
    aws.jobs[f"{name}-training"] = {
        "TrainingJobName": f"{name}-training",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 0},
        "TrainingTimeInSeconds": 600,
        "BillableTimeInSeconds": 600,
    }
    return {"AutoMLJobArn": AUTOML_JOBS[name]["AutoMLJobArn"]}


def describe(aws: FakeAws, *, AutoMLJobName: str) -> Any:
    if AutoMLJobName not in AUTOML_JOBS:
        raise failure("ResourceNotFound", "The job is not found")
    return AUTOML_JOBS[AutoMLJobName]


def stop(aws: FakeAws, *, AutoMLJobName: str) -> Any:
    AUTOML_JOBS[AutoMLJobName] |= {"AutoMLJobStatus": "Stopped", "AutoMLJobSecondaryStatus": "Stopped"}
    return {}


def list_jobs(aws: FakeAws, *, MaxResults: int, **query: Any) -> Any:
    found = [
        job
        for name, job in AUTOML_JOBS.items()
        if query.get("NameContains", "") in name
        and query.get("StatusEquals", job["AutoMLJobStatus"]) == job["AutoMLJobStatus"]
    ]
    return {"AutoMLJobSummaries": found[:MaxResults]}


def list_candidates(aws: FakeAws, *, AutoMLJobName: str, MaxResults: int, NextToken: str = "") -> Any:
    """Two pages: the best, and one that failed before it had a step."""
    if not NextToken:
        return {"Candidates": [best(AutoMLJobName)], "NextToken": "2"}
    failed = {"CandidateName": "other", "CandidateStatus": "Failed", "CandidateSteps": []}
    return {"Candidates": [failed]}


OPERATIONS |= {
    "create_auto_ml_job_v2": create,
    "describe_auto_ml_job_v2": describe,
    "stop_auto_ml_job": stop,
    "list_auto_ml_jobs": list_jobs,
    "list_candidates_for_auto_ml_job": list_candidates,
}
