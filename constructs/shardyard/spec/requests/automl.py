"""The CreateAutoMLJobV2 request.

Two fields of it are never sent. ModelDeployConfig would leave an endpoint that bills and belongs to no stack, and
AutoMLComputeConfig needs an application of EMR Serverless.
"""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.automl.data import CSV, AutoMLInput
from shardyard.spec.jobs.automl.problems import Forecasting, Tabular
from shardyard.spec.requests.deployment import Deployment, Json, tags, vpc
from shardyard.spec.requests.places import address, own_place
from shardyard.spec.run_settings import AUTOML_RESULTS

_IMAGES = "image/*"


def to_request(spec: AutoMLSpec, deployment: Deployment, *, job_name: str, run_id: str) -> Json:
    """The request of one attempt, with the fields that the job uses."""
    always: Json = {
        "AutoMLJobName": job_name,
        "AutoMLJobInputDataConfig": [_channel(name, spec, deployment) for name in sorted(spec.inputs)],
        "OutputDataConfig": _output(spec, deployment, run_id),
        "AutoMLProblemTypeConfig": _problem(spec, deployment),
        "RoleArn": deployment.role_arn,
        "SecurityConfig": _security(spec, deployment),
        "Tags": tags(spec, deployment, run_id),
    }
    used: Json = {
        "AutoMLJobObjective": None if spec.objective is None else {"MetricName": spec.objective},
        "DataSplitConfig": _split(spec),
    }
    return always | {name: value for name, value in used.items() if value is not None}


def input_address(one: AutoMLInput, deployment: Deployment) -> str:
    """The whole S3 address of an input."""
    return address(one.s3, one.bucket, deployment)


def content_type(spec: AutoMLSpec, one: AutoMLInput) -> str:
    """What an input's objects are."""
    if one.content_type is not None:
        return one.content_type
    return _IMAGES if spec.problem == "image_classification" else CSV


def _channel(name: str, spec: AutoMLSpec, deployment: Deployment) -> Json:
    one = spec.inputs[name]
    return {
        "ChannelType": name,
        "ContentType": content_type(spec, one),
        "CompressionType": one.compression,
        "DataSource": {"S3DataSource": {"S3DataType": one.type, "S3Uri": input_address(one, deployment)}},
    }


def _output(spec: AutoMLSpec, deployment: Deployment, run_id: str) -> Json:
    key = deployment.kms_key_arn if spec.output.kms_key is None else spec.output.kms_key
    place = f"{own_place(spec.name, deployment, run_id)}{AUTOML_RESULTS}/"
    return {"S3OutputPath": place, **({} if key is None else {"KmsKeyId": key})}


def _security(spec: AutoMLSpec, deployment: Deployment) -> Json:
    key = deployment.kms_key_arn if spec.compute.volume_kms_key is None else spec.compute.volume_kms_key
    made = {
        "VolumeKmsKeyId": key,
        "EnableInterContainerTrafficEncryption": spec.network.encrypt_traffic,
        "VpcConfig": vpc(spec, deployment),
    }
    return {name: value for name, value in made.items() if value is not None}


def _split(spec: AutoMLSpec) -> Json | None:
    return None if spec.validation_fraction is None else {"ValidationFraction": spec.validation_fraction}


def _problem(spec: AutoMLSpec, deployment: Deployment) -> Json:
    criteria: Json = {
        "CompletionCriteria": {
            "MaxCandidates": spec.most_candidates,
            "MaxRuntimePerTrainingJobInSeconds": spec.candidates.max_runtime_seconds,
            "MaxAutoMLJobRuntimeInSeconds": spec.limits.max_runtime_seconds,
        }
    }
    if spec.tabular is not None:
        return {"TabularJobConfig": {**criteria, **_tabular(spec.tabular, deployment)}}
    if spec.text_classification is not None:
        text = spec.text_classification
        columns = {"ContentColumn": text.content, "TargetLabelColumn": text.target}
        return {"TextClassificationJobConfig": {**criteria, **columns}}
    if spec.forecasting is not None:
        return {"TimeSeriesForecastingJobConfig": {**criteria, **_forecasting(spec.forecasting, deployment)}}
    return {"ImageClassificationJobConfig": criteria}


def _tabular(table: Tabular, deployment: Deployment) -> Json:
    return _used(
        {
            "TargetAttributeName": table.target,
            "ProblemType": table.problem,
            "Mode": table.mode,
            "CandidateGenerationConfig": _algorithms(table.algorithms),
            "SampleWeightAttributeName": table.weight,
            "FeatureSpecificationS3Uri": _features(table.features, deployment),
            "GenerateCandidateDefinitionsOnly": table.definitions_only or None,
        }
    )


def _forecasting(series: Forecasting, deployment: Deployment) -> Json:
    columns = {
        "TargetAttributeName": series.target,
        "TimestampAttributeName": series.timestamp,
        "ItemIdentifierAttributeName": series.item,
        "GroupingAttributeNames": list(series.groups) or None,
    }
    changed = {"Filling": dict(series.filling) or None, "Aggregation": dict(series.aggregation) or None}
    return _used(
        {
            "TimeSeriesConfig": _used(columns),
            "ForecastFrequency": series.frequency,
            "ForecastHorizon": series.horizon,
            "ForecastQuantiles": list(series.quantiles) or None,
            "Transformations": _used(changed) or None,
            "HolidayConfig": None if series.holidays is None else [{"CountryCode": series.holidays}],
            "CandidateGenerationConfig": _algorithms(series.algorithms),
            "FeatureSpecificationS3Uri": _features(series.features, deployment),
        }
    )


def _algorithms(names: tuple[str, ...]) -> Json | None:
    return {"AlgorithmsConfig": [{"AutoMLAlgorithms": list(names)}]} if names else None


def _features(place: str | None, deployment: Deployment) -> str | None:
    return None if place is None else address(place, "data", deployment)


def _used(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
