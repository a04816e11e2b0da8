"""A search from its first training job to its end, over real training jobs."""

import json
import re
import time
from typing import Any

import pytest

from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, wait_until
from tests.support.clouds.tuning_cloud import (
    config,
    continuous,
    definition,
    describe,
    finished,
    limits,
    objective,
    training_jobs,
    tune,
)

SLOW = """
import json, time
given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
for epoch in range(int(given["epochs"])):
    print(f"loss={float(given['x']) + 1.0 / (epoch + 1)};", flush=True)
    time.sleep(float(given["pause"]))
"""
"""Epochs that take their time; the loss is x in the end."""


def categories(**values: list[str]) -> dict[str, Any]:
    return {"CategoricalParameterRanges": [{"Name": name, "Values": found} for name, found in values.items()]}


@pytest.fixture(scope="module")
def counted(cloud: TrainingCloud, image: str) -> dict[str, Any]:
    """A random search that has ended."""
    training = definition(cloud, image, CheckpointConfig={"S3Uri": f"s3://{BUCKET}/saves"})
    return tune(cloud, "counted", config(), training, Tags=[{"Key": "team", "Value": "vision"}])


@pytest.fixture(scope="module")
def target(cloud: TrainingCloud, image: str) -> dict[str, Any]:
    """A Bayesian search that has ended where it came near enough."""
    criteria = {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 1.0004}}
    return tune(cloud, "target", config(Strategy="Bayesian", **limits(30, 2), **criteria), definition(cloud, image))


def test_a_search_launches_names_and_counts_its_training_jobs(cloud: TrainingCloud, counted: dict[str, Any]) -> None:
    said = counted
    assert said["HyperParameterTuningJobStatus"] == "Completed", said
    statuses = {"Completed": 4, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}
    assert said["TrainingJobStatusCounters"] == statuses
    assert said["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    assert said["TrainingJobDefinition"]["StaticHyperParameters"] == {"epochs": "1", "_tuning_objective_metric": "loss"}
    assert said["ConsumedResources"]["RuntimeInSeconds"] >= 1
    jobs = training_jobs(cloud, "counted", SortBy="FinalObjectiveMetricValue")
    values = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in jobs]
    assert values == sorted(values) and len(values) == 4
    best = said["BestTrainingJob"]
    assert best == jobs[0] and best["ObjectiveStatus"] == "Succeeded" and "OverallBestTrainingJob" not in said
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(
        (float(best["TunedHyperParameters"]["x"]) - 0.3) ** 2 + 1
    )
    names = sorted(job["TrainingJobName"] for job in jobs)
    assert all(re.fullmatch(rf"counted-00{number}-[0-9a-f]{{8}}", name) for number, name in enumerate(names, start=1))


def test_a_training_job_knows_whose_it_is(cloud: TrainingCloud, counted: dict[str, Any]) -> None:
    arn = counted["HyperParameterTuningJobArn"]
    job = training_jobs(cloud, "counted")[0]
    said = cloud.describe(job["TrainingJobName"])
    assert said["TuningJobArn"] == arn
    given = {"epochs": "1", "_tuning_objective_metric": "loss", **job["TunedHyperParameters"]}
    assert said["HyperParameters"] == given
    assert said["CheckpointConfig"]["S3Uri"] == f"s3://{BUCKET}/saves/{job['TrainingJobName']}"
    assert cloud.lines(job["TrainingJobName"])["algo-1"][0] == "given " + json.dumps(given, sort_keys=True)
    for resource in (arn, said["TrainingJobArn"]):
        assert cloud.client("sagemaker").list_tags(ResourceArn=resource)["Tags"] == [{"Key": "team", "Value": "vision"}]
    pages = cloud.client("sagemaker").get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = [
        entry["TrainingJobName"]
        for page in pages.paginate(HyperParameterTuningJobName="counted", PaginationConfig={"PageSize": 3})
        for entry in page["TrainingJobSummaries"]
    ]
    assert found == sorted(found) and len(found) == 4


@pytest.mark.usefixtures("counted")
def test_random_search_repeats_itself_by_its_seed_and_a_grid_tries_everything(cloud: TrainingCloud, image: str) -> None:
    values = [job["TunedHyperParameters"] for job in training_jobs(cloud, "counted")]
    tune(cloud, "again", config(**limits(2, 2)), definition(cloud, image))
    assert [job["TunedHyperParameters"] for job in training_jobs(cloud, "again")] == values[:2]
    grid = config(Strategy="Grid", ParameterRanges=categories(x=["0.1", "0.3"], kind=["a"]), **limits(None, 2))
    said = tune(cloud, "grid", grid, definition(cloud, image))
    tried = [job["TunedHyperParameters"] for job in training_jobs(cloud, "grid")]
    assert tried == [{"x": "0.1", "kind": "a"}, {"x": "0.3", "kind": "a"}]
    assert said["BestTrainingJob"]["TunedHyperParameters"]["x"] == "0.3"


def test_a_bayesian_search_learns_and_a_target_ends_it(cloud: TrainingCloud, target: dict[str, Any]) -> None:
    assert target["HyperParameterTuningJobStatus"] == "Completed"
    assert abs(float(target["BestTrainingJob"]["TunedHyperParameters"]["x"]) - 0.3) <= 0.02
    assert 1 <= len(training_jobs(cloud, "target")) < 15


def test_two_definitions_take_turns_each_with_its_own_ranges(cloud: TrainingCloud, image: str) -> None:
    many = [
        definition(
            cloud, image, DefinitionName=name, TuningObjective=objective(), HyperParameterRanges=continuous(low=low)
        )
        for name, low in (("near", "0.2"), ("far", "0.9"))
    ]
    both = config(**limits(4, 2))
    del both["HyperParameterTuningJobObjective"], both["ParameterRanges"]
    said = tune(cloud, "many", both, many)
    jobs = training_jobs(cloud, "many")
    assert [job["TrainingJobDefinitionName"] for job in jobs] == ["near", "far", "near", "far"]
    assert all(float(job["TunedHyperParameters"]["x"]) >= 0.9 for job in jobs[1::2])
    assert said["BestTrainingJob"]["TrainingJobDefinitionName"] == "near"
    assert [one["DefinitionName"] for one in said["TrainingJobDefinitions"]] == ["near", "far"]
    assert "TrainingJobDefinition" not in said


def test_a_warm_start_knows_what_its_parents_found(cloud: TrainingCloud, image: str, target: dict[str, Any]) -> None:
    parents = [{"HyperParameterTuningJobName": "target"}]
    warm = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "IdenticalDataAndAlgorithm"}
    fresh = config(Strategy="Bayesian", **limits(4, 1))
    said = tune(cloud, "warm", fresh, definition(cloud, image), WarmStartConfig=warm)
    tried = [float(job["TunedHyperParameters"]["x"]) for job in training_jobs(cloud, "warm")]
    # Which trials end first differs from run to run, and with it what the search tries
    assert sum(abs(x - 0.3) < 0.1 for x in tried) >= 3, tried
    losses = {
        one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]: one.get("TuningJobName", "warm")
        for one in (target["BestTrainingJob"] | {"TuningJobName": "target"}, said["BestTrainingJob"])
    }
    assert said["OverallBestTrainingJob"]["TuningJobName"] == losses[min(losses)]


@pytest.mark.slow
def test_hyperband_stops_at_rungs_and_the_median_rule_what_is_hopeless(cloud: TrainingCloud) -> None:
    slow = cloud.image("slow", SLOW)
    training = definition(cloud, slow, StaticHyperParameters={"epochs": "6", "pause": "0.5"})
    bounds = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 6}}
    band = config(Strategy="Hyperband", StrategyConfig=bounds, **limits(6, 3))
    said = tune(cloud, "band", band, training)
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    counters = said["TrainingJobStatusCounters"]
    assert counters["Stopped"] >= 2 and counters["Stopped"] + counters["Completed"] == 6
    assert said["ObjectiveStatusCounters"]["Succeeded"] == 6
    stopped = [job for job in training_jobs(cloud, "band") if job["TrainingJobStatus"] == "Stopped"]
    whole = [job for job in training_jobs(cloud, "band") if job["TrainingJobStatus"] == "Completed"]
    assert min(float(job["TunedHyperParameters"]["x"]) for job in (*stopped, *whole)) == float(
        said["BestTrainingJob"]["TunedHyperParameters"]["x"]
    )
    grid = categories(x=["0.1", "0.2", "0.3", "0.9"])
    early = config(Strategy="Grid", ParameterRanges=grid, TrainingJobEarlyStoppingType="Auto", **limits(None, 3))
    said = tune(cloud, "median", early, definition(cloud, slow, StaticHyperParameters={"epochs": "4", "pause": "0.4"}))
    last = training_jobs(cloud, "median")[-1]
    assert (last["TunedHyperParameters"]["x"], last["TrainingJobStatus"]) == ("0.9", "Stopped"), last
    assert said["TrainingJobStatusCounters"]["Completed"] == 3


def test_stop_ends_the_training_jobs_and_launches_no_more(cloud: TrainingCloud) -> None:
    slow = cloud.image("slow", SLOW)
    training = definition(cloud, slow, StaticHyperParameters={"epochs": "100", "pause": "0.3"})
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="halted", HyperParameterTuningJobConfig=config(), TrainingJobDefinition=training
    )
    wait_until(lambda: len(training_jobs(cloud, "halted", StatusEquals="InProgress")) == 2, 30, "two training jobs")
    first = training_jobs(cloud, "halted")[0]["TrainingJobName"]
    cloud.wait_for_status(first, "Training", seconds=60)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="halted")
    assert describe(cloud, "halted")["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    with pytest.raises(sagemaker.exceptions.ClientError, match="is in status Stopp"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="halted")
    said = finished(cloud, "halted")
    assert said["HyperParameterTuningJobStatus"] == "Stopped"
    assert said["TrainingJobStatusCounters"]["Stopped"] == 2 and len(training_jobs(cloud, "halted")) == 2
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="halted")
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="can't find a tuning job called halted"):
        describe(cloud, "halted")
    assert cloud.describe(first)["TrainingJobStatus"] == "Stopped", "the training jobs stay"


def test_the_longest_run_time_goes_by_the_clouds_clock(cloud: TrainingCloud) -> None:
    slow = cloud.image("slow", SLOW)
    training = definition(cloud, slow, StaticHyperParameters={"epochs": "1000", "pause": "0.1"})
    began = time.monotonic()
    cloud.admin("clock", rate="60x")
    try:
        said = tune(cloud, "timed", config(**limits(4, 1, MaxRuntimeInSeconds=240)), training)
    finally:
        cloud.admin("clock", rate="1x")
    assert time.monotonic() - began < 100 and said["ConsumedResources"]["RuntimeInSeconds"] >= 240
    assert said["HyperParameterTuningJobStatus"] == "Completed" and said["TrainingJobStatusCounters"]["Stopped"] == 1


@pytest.mark.usefixtures("counted", "target")
def test_lists_hold_every_search(cloud: TrainingCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    entries = sagemaker.list_hyper_parameter_tuning_jobs(NameContains="ount")["HyperParameterTuningJobSummaries"]
    assert [(entry["HyperParameterTuningJobName"], entry["Strategy"]) for entry in entries] == [("counted", "Random")]
    assert entries[0]["ObjectiveStatusCounters"]["Succeeded"] == 4
    order = {"SortBy": "CreationTime", "StatusEquals": "Completed"}
    newest = sagemaker.list_hyper_parameter_tuning_jobs(SortOrder="Descending", MaxResults=1, **order)
    oldest = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=1, **order)
    (last,), (first,) = (page["HyperParameterTuningJobSummaries"] for page in (newest, oldest))
    assert first["CreationTime"] < last["CreationTime"] and newest["NextToken"] and oldest["NextToken"]
    with pytest.raises(sagemaker.exceptions.ClientError, match="The NextToken is invalid"):
        sagemaker.list_hyper_parameter_tuning_jobs(NextToken="x")
