"""Which CreateHyperParameterTuningJob fields `createHyperParameterTuningJob.sync` is known to take.

As cautious as `sfn_fields`, which says why: a field without evidence is not on the list, and a search that uses one is
created by our own submit handler. Looked for in vain: Environment, which every program of Shardyard's launcher needs,
EnableManagedSpotTraining, CheckpointConfig, RetryStrategy, HyperParameterTuningResourceConfig, StrategyConfig,
TuningJobCompletionCriteria, RandomSeed, MaxRuntimeInSeconds and Autotune.
"""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.requests.sfn_fields import CDK, KNOWN_FIELDS, used_fields

TUNING_STEP = (
    "github.com/aws/aws-step-functions-data-science-sdk-python, steps/sagemaker.py: TuningStep writes into the state "
    "what github.com/aws/sagemaker-python-sdk (before 3), workflow/airflow.py: tuning_config makes"
)
_TRIAL = ("AlgorithmSpecification", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "VpcConfig")
_OWN = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobConfig",
    "HyperParameterTuningJobConfig.Strategy",
    "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
    "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.Type",
    "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.MetricName",
    "HyperParameterTuningJobConfig.ResourceLimits",
    "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs",
    "HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs",
    "HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType",
    "WarmStartConfig",
    "WarmStartConfig.WarmStartType",
    "WarmStartConfig.ParentHyperParameterTuningJobs",
    "WarmStartConfig.ParentHyperParameterTuningJobs.HyperParameterTuningJobName",
    "Tags",
    "Tags.Key",
    "Tags.Value",
)
_FREE_TABLES = ("StaticHyperParameters", "Environment")
"""Tables whose keys are the user's, not the service's."""
_RANGES = (
    "",
    *(f".{kind}ParameterRanges" for kind in ("Integer", "Continuous", "Categorical")),
    *(
        f".{kind}ParameterRanges.{field}"
        for kind in ("Integer", "Continuous")
        for field in ("Name", "MinValue", "MaxValue", "ScalingType")
    ),
    *(f".CategoricalParameterRanges.{field}" for field in ("Name", "Values")),
)


def _of_trials(definition: str) -> list[str]:
    """The fields of a trial: what the training job's own list has from CDK's task, which is as old as this one."""
    shared = [path for path, source in KNOWN_FIELDS.items() if source == CDK and path.partition(".")[0] in _TRIAL]
    own = ["RoleArn", "StaticHyperParameters", "StoppingCondition", "StoppingCondition.MaxRuntimeInSeconds"]
    if definition.endswith("s"):
        objective = ("TuningObjective", "TuningObjective.Type", "TuningObjective.MetricName")
        own += ["DefinitionName", *objective, *(f"HyperParameterRanges{path}" for path in _RANGES)]
    return [definition, *(f"{definition}.{path}" for path in (*shared, *own))]


KNOWN_TUNING_FIELDS: Mapping[str, str] = dict.fromkeys(
    [
        *_OWN,
        *(f"HyperParameterTuningJobConfig.ParameterRanges{path}" for path in _RANGES),
        *_of_trials("TrainingJobDefinition"),
        *_of_trials("TrainingJobDefinitions"),
    ],
    TUNING_STEP,
)
"""Every field known to work, as a dotted path, with the evidence."""


def unknown_to_tuning_task(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a request for which the submit handler creates the search."""
    paths = (path for path in used_fields(request) if not any(f".{table}." in path for table in _FREE_TABLES))
    return tuple(path for path in paths if path not in KNOWN_TUNING_FIELDS)
