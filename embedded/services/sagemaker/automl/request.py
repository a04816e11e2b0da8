"""What an AutoML job asks for: which of it the stand-in can do, and the jobs that it becomes."""

from collections.abc import Iterator, Mapping
from typing import Any

from contract.automl import CANDIDATES, ENTRY, FAMILIES, METRICS, OBJECTIVE, Setting
from contract.variables import ENTRY as ENTRY_VARIABLE
from contract.variables import STANDS_IN
from embedded.nodes.image import STAND_IN_ACCOUNT

SENTENCE = (
    "This is no Amazon SageMaker Autopilot: the program training.automl of Shardyard stands in for it on the embedded "
    "cloud."
)
METRIC_NAMES = {"Accuracy": "validation:accuracy", "R2": "validation:r2", "RMSE": OBJECTIVE, "MSE": OBJECTIVE}
"""The objectives that the stand-in reports, and the metric of its log that each is read from."""
_CANDIDATES = 20
_AT_ONCE = 2
_CANDIDATE_SECONDS = 600
_RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
_UNUSED = {
    "CandidateGenerationConfig": "the choice of algorithms",
    "FeatureSpecificationS3Uri": "feature specifications",
    "GenerateCandidateDefinitionsOnly": "notebooks with candidate definitions",
    "SampleWeightAttributeName": "weights of samples",
}


def problems(request: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a request, or what the stand-in cannot do."""
    kinds = list(request["AutoMLProblemTypeConfig"])
    if len(kinds) != 1:
        yield "AutoMLProblemTypeConfig must have exactly one of its members."
        return
    if kinds != ["TabularJobConfig"]:
        yield f"The embedded cloud's stand-in for AutoML takes TabularJobConfig only, not {kinds[0]}."
        return
    table = tabular(request)
    for field, what in _UNUSED.items():
        if table.get(field):
            yield f"The embedded cloud's stand-in for AutoML has no {what}: leave {field} out."
    for field in ("ModelDeployConfig", "AutoMLComputeConfig", "DataSplitConfig"):
        if request.get(field):
            yield f"The embedded cloud's stand-in for AutoML takes no {field}."
    asked = "ProblemType" in table, "AutoMLJobObjective" in request
    if asked[0] != asked[1]:
        yield "ProblemType and AutoMLJobObjective must be specified together, or neither of them."
        return
    if asked[1]:
        yield from _objective(table["ProblemType"], request["AutoMLJobObjective"]["MetricName"])
    yield from _channels(request["AutoMLJobInputDataConfig"])


def tabular(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The TabularJobConfig."""
    table: Mapping[str, Any] = request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    return table


def limits(request: Mapping[str, Any]) -> dict[str, int]:
    """The CompletionCriteria, with what the request leaves open."""
    asked = tabular(request).get("CompletionCriteria", {})
    return {"MaxCandidates": _CANDIDATES, "MaxRuntimePerTrainingJobInSeconds": _CANDIDATE_SECONDS, **asked}


def tuning_request(request: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The search for candidates: a definition for each family, with its own ranges."""
    bounds = limits(request)
    families = list(FAMILIES)[: bounds["MaxCandidates"]]
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "RandomSeed": 0,
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": bounds["MaxCandidates"],
                "MaxParallelTrainingJobs": min(_AT_ONCE, bounds["MaxCandidates"]),
            },
        },
        "TrainingJobDefinitions": [
            {
                "DefinitionName": family,
                "TuningObjective": {"Type": "Minimize", "MetricName": OBJECTIVE},
                "HyperParameterRanges": _ranges(FAMILIES[family]),
                "StaticHyperParameters": {**_arguments(request), "family": family},
                **_training(request, f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/candidates"),
            }
            for family in families
        ],
        "Tags": request.get("Tags", []),
    }


def stacking_request(request: Mapping[str, Any], name: str, job: str) -> dict[str, Any]:
    """The training job that stacks the candidates of the search `name`."""
    output = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}"
    made = _training(request, output)
    made["InputDataConfig"] = [*made["InputDataConfig"], _channel(CANDIDATES, "S3Prefix", f"{output}/candidates/")]
    return {"TrainingJobName": job, "HyperParameters": _arguments(request), "Tags": request.get("Tags", []), **made}


def _training(request: Mapping[str, Any], output: str) -> dict[str, Any]:
    security = request.get("SecurityConfig", {})
    resources: dict[str, Any] = dict(_RESOURCES)
    if "VolumeKmsKeyId" in security:
        resources["VolumeKmsKeyId"] = security["VolumeKmsKeyId"]
    key = {name: value for name, value in request["OutputDataConfig"].items() if name == "KmsKeyId"}
    source = request["AutoMLJobInputDataConfig"][0]["DataSource"]["S3DataSource"]
    made: dict[str, Any] = {
        "AlgorithmSpecification": {
            "TrainingImage": image(request["RoleArn"]),
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": metric, "Regex": regex} for metric, regex in METRICS.items()],
        },
        "RoleArn": request["RoleArn"],
        "InputDataConfig": [_channel("train", source["S3DataType"], source["S3Uri"])],
        "OutputDataConfig": {"S3OutputPath": output, **key},
        "ResourceConfig": resources,
        "StoppingCondition": {"MaxRuntimeInSeconds": limits(request)["MaxRuntimePerTrainingJobInSeconds"]},
        "Environment": {ENTRY_VARIABLE: ENTRY, STANDS_IN: SENTENCE},
        "EnableInterContainerTrafficEncryption": security.get("EnableInterContainerTrafficEncryption", False),
    }
    if "VpcConfig" in security:
        made["VpcConfig"] = security["VpcConfig"]
    return made


def image(role_arn: str) -> str:
    """The stand-in's image, in a registry that no account of AWS has."""
    domain = "amazonaws.com.cn" if role_arn.startswith("arn:aws-cn:") else "amazonaws.com"
    return f"{STAND_IN_ACCOUNT}.dkr.ecr.us-east-1.{domain}/stand-ins/automl:1"


def _arguments(request: Mapping[str, Any]) -> dict[str, str]:
    table = tabular(request)
    asked = table.get("ProblemType")
    problem = {} if asked is None else {"problem": "regression" if asked == "Regression" else "classification"}
    return {"target": table["TargetAttributeName"], **problem}


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}}


def _ranges(settings: tuple[Setting, ...]) -> dict[str, Any]:
    found: dict[str, list[dict[str, str]]] = {}
    for one in settings:
        kind = "IntegerParameterRanges" if one.is_whole else "ContinuousParameterRanges"
        low, high = (str(int(end)) if one.is_whole else repr(float(end)) for end in (one.low, one.high))
        scaling = "Logarithmic" if one.is_logarithmic else "Linear"
        found.setdefault(kind, []).append({"Name": one.name, "MinValue": low, "MaxValue": high, "ScalingType": scaling})
    return found


def _objective(problem: str, metric: str) -> Iterator[str]:
    fitting = ("MSE", "RMSE", "R2") if problem == "Regression" else ("Accuracy",)
    if metric not in fitting:
        yield (
            f"The embedded cloud's stand-in for AutoML reports {', '.join(fitting)} for the ProblemType {problem}, not "
            f"{metric}."
        )


def _channels(channels: list[Mapping[str, Any]]) -> Iterator[str]:
    if len(channels) != 1 or channels[0].get("ChannelType", "training") != "training":
        yield "The embedded cloud's stand-in for AutoML takes one channel, of the ChannelType training."
    for channel in channels:
        if "S3DataSource" not in channel.get("DataSource", {}):
            yield "Every channel of AutoMLJobInputDataConfig needs a DataSource with an S3DataSource."
        if channel.get("CompressionType", "None") != "None":
            yield "The embedded cloud's stand-in for AutoML takes no compressed files."
        if not channel.get("ContentType", "text/csv").startswith("text/csv"):
            yield f"The embedded cloud's stand-in for AutoML takes text/csv only, not {channel['ContentType']}."
