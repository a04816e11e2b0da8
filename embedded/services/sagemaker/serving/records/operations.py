"""The operations of models and endpoint configurations."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import Call, Params, operation
from embedded.services.sagemaker.serving.records import config_rules, model_rules
from embedded.services.sagemaker.serving.records.store import configs, models


@operation("sagemaker", "CreateModel")
def create_model(call: Call, params: Params) -> Mapping[str, Any]:
    """Check what the model names, and keep it."""
    model_rules.check_create(call, params)
    return {"ModelArn": models.create(call, params).arn}


@operation("sagemaker", "DescribeModel")
def describe_model(call: Call, params: Params) -> Mapping[str, Any]:
    answer = models.describe(call, params["ModelName"])
    for one in (answer.get("PrimaryContainer"), *answer.get("Containers", ())):
        if one is not None and "Image" in one:
            one.setdefault("Mode", "SingleModel")
    return {"EnableNetworkIsolation": False, **answer}


@operation("sagemaker", "ListModels")
def list_models(call: Call, params: Params) -> Mapping[str, Any]:
    found, more = models.listed(call, params)
    return {"Models": found, **more}


@operation("sagemaker", "DeleteModel")
def delete_model(call: Call, params: Params) -> Mapping[str, Any]:
    """Endpoints that serve the model go on serving it."""
    models.delete(call, params["ModelName"])
    return {}


@operation("sagemaker", "CreateEndpointConfig")
def create_endpoint_config(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the variants against each other and against their models, and keep them."""
    config_rules.check_create(call, params)
    return {"EndpointConfigArn": configs.create(call, _completed(params)).arn}


def _completed(params: Params) -> Params:
    """With the defaults that Describe shows."""
    answer = dict(params)
    for key in ("ProductionVariants", "ShadowProductionVariants"):
        if key in params:
            answer[key] = [{**one, "InitialVariantWeight": config_rules.weight_of(one)} for one in params[key]]
    return answer


@operation("sagemaker", "DescribeEndpointConfig")
def describe_endpoint_config(call: Call, params: Params) -> Mapping[str, Any]:
    return configs.describe(call, params["EndpointConfigName"])


@operation("sagemaker", "ListEndpointConfigs")
def list_endpoint_configs(call: Call, params: Params) -> Mapping[str, Any]:
    found, more = configs.listed(call, params)
    return {"EndpointConfigs": found, **more}


@operation("sagemaker", "DeleteEndpointConfig")
def delete_endpoint_config(call: Call, params: Params) -> Mapping[str, Any]:
    """Endpoints keep what they were made from; AWS warns against it and lets one delete it all the same."""
    configs.delete(call, params["EndpointConfigName"])
    return {}
