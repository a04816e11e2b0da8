"""Which quotas a launch counts against."""

from shardyard.spec.catalogue.quotas import needed, needed_by_job, needed_together
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_rule_cases import search


def test_an_on_demand_job() -> None:
    spec = make(compute={"instance_type": "ml.m5.xlarge", "count": 3}, limits={"max_runtime": "1h"})
    assert needed(spec, (("ml.m5.xlarge", 3),)) == {
        "ml.m5.xlarge for training job usage": 3,
        "Number of instances across all training jobs": 3,
        "Maximum number of instances per training job": 3,
        "Longest run time for a training job": 3600,
    }


def test_a_spot_job_counts_against_the_spot_quotas() -> None:
    need = needed_by_job(make(spot={"enabled": True}, checkpoints={"enabled": True}, limits={"max_runtime": "1h"}))
    assert need == {
        "ml.g5.xlarge for spot training job usage": 1,
        "Number of instances across all spot training jobs": 1,
        "Maximum number of instances per spot training job": 1,
        "Longest run time for a training job": 3600,
    }


def test_a_warm_pool_has_its_own_quota() -> None:
    assert (
        needed_by_job(make(compute={"keep_alive": "10m", "count": 2}))["ml.g5.xlarge for training warm pool usage"] == 2
    )


def test_every_fallback_is_needed_too() -> None:
    need = needed_by_job(make(compute={"count": 2, "fallback": [{"instance_type": "ml.g6.xlarge", "count": 4}]}))
    assert need["ml.g5.xlarge for training job usage"] == 2
    assert need["ml.g6.xlarge for training job usage"] == 4
    assert need["Number of instances across all training jobs"] == 4


def test_a_search_needs_room_for_all_its_trials_at_once() -> None:
    need = needed_by_job(make(**search(max_parallel=3), compute={"count": 2}))
    assert need["ml.g5.xlarge for training job usage"] == 6
    assert need["Number of instances across all training jobs"] == 6
    assert need["Maximum number of instances per training job"] == 2, "a limit per job is each trial's own"
    types = [{"instance_type": "ml.g6.xlarge"}, {"instance_type": "ml.m5.large", "count": 5}]
    listed = needed_by_job(make(**search(max_parallel=3, instances=types)))
    assert listed["ml.g6.xlarge for training job usage"] == 3
    assert listed["ml.m5.large for training job usage"] == 15
    assert listed["ml.g5.xlarge for training job usage"] == 1, "the job itself"


def test_a_definition_without_instances_of_its_own_needs_the_jobs() -> None:
    several = [{"name": "a"}, {"name": "b", "instances": [{"instance_type": "ml.g6.xlarge"}]}]
    need = needed_by_job(make(**search(max_parallel=3, definitions=several)))
    assert need["ml.g5.xlarge for training job usage"] == need["ml.g6.xlarge for training job usage"] == 3
    listed = search(max_parallel=3, definitions=several, instances=[{"instance_type": "ml.m5.large"}])
    assert needed_by_job(make(**listed))["ml.g5.xlarge for training job usage"] == 1, "the job itself"


def test_jobs_together_add_up_what_is_shared_only() -> None:
    one, two = make(compute={"count": 2}, limits={"max_runtime": "1h"}), make(compute={"count": 3})
    together = needed_together([one, two])
    assert together["ml.g5.xlarge for training job usage"] == 5
    assert together["Number of instances across all training jobs"] == 5
    assert together["Maximum number of instances per training job"] == 3
    assert together["Longest run time for a training job"] == 86400
