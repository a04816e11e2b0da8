"""The request of a search: what all trials share, and how SageMaker chooses what differs.

A trial's part is made from the training job's own request, so that no field is decided in two places.
"""

from collections.abc import Mapping
from typing import Any

from contract.hyperparameters import encode
from shardyard.spec import names
from shardyard.spec.catalogue.instances import has_local_disk
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.metrics import metric_definitions
from shardyard.spec.jobs.tuning.ranges import Range
from shardyard.spec.jobs.tuning.search import Objective, Tuning
from shardyard.spec.requests.deployment import Deployment, tags
from shardyard.spec.requests.training import hyperparameters, to_request
from shardyard.spec.tuning.trials import Kind, kinds, tuning_of

Json = dict[str, Any]
MOST_METRICS = 20
"""As many metrics as a search may define, by the guide."""
_AS_IN_TRAINING = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
"""The fields of a training job that a trial takes as they are."""
_ALGORITHM = ("TrainingImage", "AlgorithmName", "TrainingInputMode")


def tuning_job_name(job: str, run_id: str) -> str:
    """The tuning job of a launch: 32 letters are all that SageMaker takes, and the job's part need not be unique."""
    return f"{job[: 31 - len(run_id)].rstrip('-')}-{run_id}"


def to_tuning_request(spec: JobSpec, deployment: Deployment, *, tuning_job: str, run_id: str) -> Json:
    """The request of a launch."""
    tuning = tuning_of(spec)
    trials = [_definition(kind, deployment, run_id) for kind in kinds(spec)]
    used: Json = {
        "HyperParameterTuningJobName": tuning_job,
        "HyperParameterTuningJobConfig": _config(tuning),
        **({"TrainingJobDefinitions": trials} if tuning.definitions else {"TrainingJobDefinition": trials[0]}),
        "WarmStartConfig": _warm_start(tuning),
        "Autotune": {"Mode": "Enabled"} if tuning.autotune else None,
        "Tags": tags(spec, deployment, run_id),
    }
    return _without_nothing(used)


def _config(tuning: Tuning) -> Json:
    made: Json = {
        "Strategy": tuning.strategy,
        "StrategyConfig": _hyperband(tuning),
        "ResourceLimits": _without_nothing(
            {
                "MaxNumberOfTrainingJobs": tuning.max_jobs,
                "MaxParallelTrainingJobs": tuning.max_parallel,
                "MaxRuntimeInSeconds": tuning.max_runtime_seconds,
            }
        ),
        "TrainingJobEarlyStoppingType": "Auto" if tuning.early_stopping else "Off",
        "TuningJobCompletionCriteria": _completion(tuning),
        "RandomSeed": tuning.seed,
    }
    if not tuning.definitions:  # with several, each says for itself what it searches
        made["HyperParameterTuningJobObjective"] = _objective(tuning.objective)
        made["ParameterRanges"] = _ranges(tuning.ranges)
    return _without_nothing(made)


def _hyperband(tuning: Tuning) -> Json | None:
    if tuning.hyperband is None:
        return None
    values = {"MinResource": tuning.hyperband.min_resource, "MaxResource": tuning.hyperband.max_resource}
    return {"HyperbandStrategyConfig": _without_nothing(values)}


def _completion(tuning: Tuning) -> Json | None:
    if tuning.completion is None:
        return None
    stale = tuning.completion.not_improving_jobs
    return _without_nothing(
        {
            "TargetObjectiveMetricValue": tuning.completion.target,
            "BestObjectiveNotImproving": None if stale is None else {"MaxNumberOfTrainingJobsNotImproving": stale},
            "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"} if tuning.completion.convergence else None,
        }
    )


def _warm_start(tuning: Tuning) -> Json | None:
    if tuning.warm_start is None:
        return None
    return {
        "WarmStartType": tuning.warm_start.type,
        "ParentHyperParameterTuningJobs": [
            {"HyperParameterTuningJobName": parent} for parent in tuning.warm_start.parents
        ],
    }


def _objective(objective: Objective) -> Json:
    return {"Type": objective.goal, "MetricName": objective.metric}


def _ranges(ranges: Mapping[str, Range]) -> Json | None:
    tables: dict[str, list[Json]] = {}
    for name, one in ranges.items():
        if one.type == "categorical":
            tables.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": list(one.texts)})
        elif one.type == "auto" and one.hint is not None:
            tables.setdefault("AutoParameters", []).append({"Name": name, "ValueHint": encode(one.hint)})
        else:
            least, most = one.bounds
            made = {"Name": name, "MinValue": least, "MaxValue": most, "ScalingType": one.scaling}
            tables.setdefault(f"{one.type.capitalize()}ParameterRanges", []).append(_without_nothing(made))
    return tables if tables else None


def _definition(kind: Kind, deployment: Deployment, run_id: str) -> Json:
    training = to_request(kind.together, deployment, job_name="trial", run_id=run_id)
    algorithm = training["AlgorithmSpecification"]
    made: Json = {
        "DefinitionName": kind.name,
        "StaticHyperParameters": hyperparameters(kind.spec.image, kind.spec.hyperparameters),
        "AlgorithmSpecification": {
            **{field: algorithm[field] for field in _ALGORITHM if field in algorithm},
            **({"MetricDefinitions": _metrics(kind)} if "MetricDefinitions" in algorithm else {}),
        },
        "OutputDataConfig": {
            **training["OutputDataConfig"],
            "S3OutputPath": _place(kind.spec, deployment, run_id),
        },
        **_resources(kind, training["ResourceConfig"], deployment),
        **{field: training[field] for field in _AS_IN_TRAINING if training.get(field) not in (None, False)},
    }
    image = kind.spec.image
    if image.algorithm is not None or image.builtin is not None:  # the launcher is not there to read Shardyard's own
        made["Environment"] = dict(kind.spec.environment) or None
    if kind.name is not None:
        made["TuningObjective"] = _objective(kind.objective)
        made["HyperParameterRanges"] = _ranges(kind.ranges)
    return _without_nothing(made)


def _place(spec: JobSpec, deployment: Deployment, run_id: str) -> str:
    """Where trials put their models: below the job's name, where its role may write."""
    return f"s3://{deployment.artifact_bucket}/{names.run_prefix(run_id)}{spec.name}-trials/"


def _metrics(kind: Kind) -> list[Json]:
    """The objective first, then the job's own, then the standard ones that the limit leaves room for."""
    known: list[Json] = [*metric_definitions(kind.spec.metrics)]
    own = {metric.name for metric in kind.spec.metrics}
    ordered = sorted(known, key=lambda one: (one["Name"] != kind.objective.metric, one["Name"] not in own))
    return ordered[:MOST_METRICS]


def _resources(kind: Kind, training: Mapping[str, Any], deployment: Deployment) -> Json:
    compute = kind.spec.compute
    if not kind.instances:
        return {"ResourceConfig": dict(training)}
    made: Json = {
        "AllocationStrategy": "Prioritized",
        "InstanceConfigs": [
            {
                "InstanceType": one.instance_type,
                "InstanceCount": compute.most_instances if one.count is None else one.count,
                "VolumeSizeInGB": compute.volume_gb if one.volume_gb is None else one.volume_gb,
            }
            for one in kind.instances
        ],
    }
    key = deployment.kms_key_arn if compute.volume_kms_key is None else compute.volume_kms_key
    if key is not None and not has_local_disk(tuple(one.instance_type for one in kind.instances)):
        made["VolumeKmsKeyId"] = key
    return {"HyperParameterTuningResourceConfig": made}


def _without_nothing(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}
