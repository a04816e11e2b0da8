"""What a search may cost at most, from prices that a test gives."""

import pytest

from shardyard.spec.catalogue.cost import worst_case
from shardyard.spec.catalogue.prices import Price
from shardyard.spec.errors import SpecError
from shardyard.spec.tuning.cost import dearest_launch, search_cost
from shardyard.spec.tuning.trials import kinds, most_trials, trial_jobs
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_rule_cases import LR, SIZES, search

PRICES = {
    "ml.g5.xlarge": Price(hourly_usd=1.0, storage_usd_per_gb_month=0.0, source="test"),
    "ml.g5.2xlarge": Price(hourly_usd=3.0, storage_usd_per_gb_month=0.0, source="test"),
}
TWO_HOURS = {"limits": {"max_runtime": "2h"}}


def cost(**tables):
    return search_cost(make(**{**TWO_HOURS, **tables}), PRICES.get)


def test_every_trial_counts_with_its_longest_time() -> None:
    found = cost(**search(max_jobs=20))
    assert found.usd == 40
    assert found.lines[-2:] == ("20 trials x 2.00 USD = 40.00 USD", "at most 40.00 USD (test)")


def test_the_most_expensive_type_and_definition_count() -> None:
    types = [{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g5.2xlarge"}]
    assert cost(**search(max_jobs=10, instances=types)).usd == 60
    longer = [{"name": "a"}, {"name": "b", "max_runtime": "4h"}]
    assert cost(**search(max_jobs=10, definitions=longer)).usd == 40


@pytest.mark.parametrize(
    ("limit", "usd"), [("5h", 10), ("10h", 20), ("30d", 40)], ids=["shorter", "as long as half", "never reached"]
)
def test_a_search_that_ends_before_costs_less(limit: str, usd: float) -> None:
    assert cost(**search(max_jobs=20, max_parallel=2, max_runtime=limit)).usd == usd


def test_warm_instances_and_fallbacks_are_no_part_of_a_search() -> None:
    job = make(
        **TWO_HOURS,
        **search(max_jobs=1, max_parallel=1),
        compute={"keep_alive": "1h", "fallback": [{"instance_type": "ml.g5.2xlarge"}]},
    )
    assert worst_case(job, PRICES.get).usd == 9
    assert search_cost(job, PRICES.get).usd == 2
    assert dearest_launch(job, PRICES.get) == 9, "a launch of the job itself"


def test_the_dearest_launch_of_a_tuned_job_is_its_search() -> None:
    assert dearest_launch(make(**TWO_HOURS, **search(max_jobs=20)), PRICES.get) == 40
    assert dearest_launch(make(**TWO_HOURS), PRICES.get) == 2
    assert dearest_launch(make(**TWO_HOURS, **search(max_jobs=None)), PRICES.get) is None


def test_without_a_price_or_a_number_the_cost_is_unknown() -> None:
    unpriced = cost(**search(instances=[{"instance_type": "ml.g5.4xlarge"}]))
    assert (unpriced.usd, unpriced.unpriced) == (None, ("ml.g5.4xlarge",))
    open_ended = cost(**search(max_jobs=None))
    assert open_ended.usd is None and "tuning.max_jobs is missing" in open_ended.lines[0]


def test_a_grid_counts_its_own_trials() -> None:
    grid = search(strategy="Grid", max_jobs=None, ranges={"lr": None, "a": SIZES, "b": SIZES})
    assert most_trials(make(**grid)) == 4
    assert cost(**grid).usd == 8


def test_a_job_without_a_search_has_no_trials() -> None:
    job = make()
    assert (kinds(job), list(trial_jobs(job)), most_trials(job)) == ((), [], None)
    with pytest.raises(SpecError, match=r"the job job has no search \(\[tuning\] in its file\)"):
        search_cost(job, PRICES.get)


def test_definitions_have_their_own_ranges_beside_the_searchs() -> None:
    job = make(**search(definitions=[{"name": "a", "ranges": {"beta": LR}}, {"name": "b"}]))
    assert [sorted(kind.ranges) for kind in kinds(job)] == [["beta", "lr"], ["lr"]]
