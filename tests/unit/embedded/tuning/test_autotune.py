"""What the service fills in: Autotune's choices and Hyperband's resources."""

from typing import Any

import pytest

from embedded.services.sagemaker.tuning.autotune import auto_parameters, completed


def request(*hints: tuple[str, str], strategy: str = "Bayesian", **more: Any) -> dict[str, Any]:
    ranges = {"AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints]} if hints else {}
    config = {"Strategy": strategy, "ResourceLimits": {"MaxParallelTrainingJobs": 2}, "ParameterRanges": ranges}
    return {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": {}, **more}


AUTOTUNE = {"Autotune": {"Mode": "Enabled"}}


@pytest.mark.parametrize(
    ("hint", "kind", "expected"),
    [
        ("4", "Integer", {"MinValue": "2", "MaxValue": "8"}),
        ("0", "Integer", {"MinValue": "0", "MaxValue": "1"}),
        ("-4", "Integer", {"MinValue": "-8", "MaxValue": "-2"}),
        ("0.3", "Continuous", {"MinValue": "0.03", "MaxValue": "1.0", "ScalingType": "Logarithmic"}),
        ("2.5", "Continuous", {"MinValue": "0.25", "MaxValue": "25.0", "ScalingType": "Logarithmic"}),
        ("-1.5", "Continuous", {"MinValue": "-3.0", "MaxValue": "-0.75"}),
        ("0.0", "Continuous", {"MinValue": "-1.0", "MaxValue": "1.0"}),
        ("true", "Categorical", {"Values": ["true", "false"]}),
    ],
)
def test_an_example_becomes_a_range_of_its_kind(hint: str, kind: str, expected: dict[str, Any]) -> None:
    given = request(("p", hint), **AUTOTUNE)
    assert list(auto_parameters(given)) == []
    config = completed(given)["HyperParameterTuningJobConfig"]
    assert config["ParameterRanges"] == {f"{kind}ParameterRanges": [{"Name": "p", **expected}]}


def test_autotune_fills_in_what_is_open_and_keeps_what_is_said() -> None:
    made = completed(request(("p", "4"), **AUTOTUNE))
    config = made["HyperParameterTuningJobConfig"]
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2}
    assert config["TuningJobCompletionCriteria"] == {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
    assert made["TrainingJobDefinition"]["RetryStrategy"] == {"MaximumRetryAttempts": 3}
    given = request(("p", "4"), **AUTOTUNE)
    given["HyperParameterTuningJobConfig"] |= {
        "TrainingJobEarlyStoppingType": "Off",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 1},
    }
    config = completed(given)["HyperParameterTuningJobConfig"]
    assert (config["TrainingJobEarlyStoppingType"], config["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Off", 5)


def test_each_of_several_definitions_is_filled_in() -> None:
    given = request(**AUTOTUNE)
    del given["TrainingJobDefinition"]
    hint = {"AutoParameters": [{"Name": "p", "ValueHint": "4"}]}
    given["TrainingJobDefinitions"] = [{"DefinitionName": "a", "HyperParameterRanges": hint}]
    (made,) = completed(given)["TrainingJobDefinitions"]
    assert made["HyperParameterRanges"]["IntegerParameterRanges"][0]["MaxValue"] == "8"
    assert "ParameterRanges" not in completed(given)["HyperParameterTuningJobConfig"]


@pytest.mark.parametrize("hint", ["adam", "", "nan", "inf", "1,5"])
def test_an_example_of_no_kind_is_refused_by_its_name(hint: str) -> None:
    (problem,) = auto_parameters(request(("optimizer", hint), **AUTOTUNE))
    assert problem.startswith(f"Autotune cannot choose a range for optimizer from the ValueHint {hint!r}")


def test_examples_need_autotune() -> None:
    (problem,) = auto_parameters(request(("p", "4")))
    assert problem == "AutoParameters need Autotune with the Mode Enabled; p is one."


@pytest.mark.parametrize("name", ["epochs", "num_epochs", "n-epochs"])
def test_hyperbands_most_epochs_are_taken_from_a_static_hyperparameter(name: str) -> None:
    given = request(strategy="Hyperband")
    given["TrainingJobDefinition"] = {"StaticHyperParameters": {name: "12"}}
    bounds = completed(given)["HyperParameterTuningJobConfig"]["StrategyConfig"]["HyperbandStrategyConfig"]
    assert bounds == {"MinResource": 1, "MaxResource": 12}


def test_nothing_is_filled_in_unasked() -> None:
    given = request()
    assert completed(given) == given
