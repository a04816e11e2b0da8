"""What a tuning job may search for where a stand-in of ours reports the metrics."""

from collections.abc import Iterator

import pytest

from contract.builtin import ALGORITHMS
from embedded.services.sagemaker.tuning.validation.definitions import check_definitions
from shardyard.spec.catalogue.builtin import BUILTIN

_REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"


def _objectives() -> Iterator[tuple[str, str, str]]:
    """Every objective that the rules of a job's file accept, of the algorithms with a stand-in."""
    for name in ALGORITHMS:
        for metric, goal in BUILTIN[name].metrics.items():
            yield name, metric, goal


@pytest.mark.parametrize(("algorithm", "metric", "goal"), [*_objectives()])
def test_an_objective_is_one_that_the_stand_in_reports_or_is_refused_by_name(
    algorithm: str, metric: str, goal: str
) -> None:
    stand_in = ALGORITHMS[algorithm]
    numbers = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    image = f"{_REGISTRY}/{stand_in.repositories[0]}:1"
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": goal, "MetricName": metric},
            "ParameterRanges": numbers,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": image},
            "ResourceConfig": {},
        },
    }
    said = list(check_definitions(request))
    if metric in stand_in.metrics:
        assert said == []
    else:
        reports = ", ".join(sorted(stand_in.metrics))
        assert said == [
            f"The embedded cloud's stand-in for {algorithm} does not report {metric}; it reports {reports}."
        ]
