"""Runs in .venv-sdk: a person's own script of PyTorch by the SDK's core resources, and boto3 beside them.

`python core_endpoint.py ROLE BUCKET`; the last line is JSON: what was answered.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError
from sagemaker.core import image_uris
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import ContainerDefinition, DesiredWeightAndCapacity, ProductionVariant

role, bucket = sys.argv[1:]
image = image_uris.retrieve(
    "pytorch", "us-east-1", version="2.6", py_version="py312", instance_type="ml.m5.large", image_scope="inference"
)


def configured(name: str) -> EndpointConfig:
    """A model and a configuration of that name."""
    model = Model.create(
        model_name=name,
        execution_role_arn=role,
        primary_container=ContainerDefinition(
            image=image,
            model_data_url=f"s3://{bucket}/sdk/{name}/model.tar.gz",
            environment={
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
                "SAGEMAKER_REGION": "us-east-1",
            },
        ),
    )
    variant = ProductionVariant(
        variant_name="main",
        model_name=model.model_name,
        initial_instance_count=1,
        instance_type="ml.m5.large",
        initial_variant_weight=1.0,
    )
    return EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])


def told(endpoint: Endpoint, text: str) -> dict:
    """Ask in JSON."""
    answer = endpoint.invoke(body=text, content_type="application/json", accept="application/json")
    return {"answer": json.loads(answer.body.read()), "type": answer.content_type}


question = json.dumps({"inputs": [[1.0, 2.0]]})
endpoint = Endpoint.create(endpoint_name="sums", endpoint_config_name=configured("sums"))
endpoint.wait_for_status("InService", poll=1)
said = {"first": told(endpoint, question)}
try:
    endpoint.invoke(body="1,2", content_type="text/csv")
except ClientError as error:
    said["refused"] = [error.response["Error"]["Code"], error.response["OriginalStatusCode"]]
# The SDK's own method cannot read a stream: it takes the EventStream of botocore for a dictionary (3.27.0)
runtime = boto3.client("sagemaker-runtime")
asked = {"EndpointName": "sums", "Body": question, "ContentType": "application/json", "Accept": "application/json"}
stream = runtime.invoke_endpoint_with_response_stream(**asked)
said["stream"] = json.loads(b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]))

endpoint.endpoint_config_name = configured("products").endpoint_config_name
endpoint.update()
endpoint.wait_for_status("InService", poll=1)
said["second"] = told(endpoint, question)
endpoint.update_weights_and_capacities([DesiredWeightAndCapacity(variant_name="main", desired_instance_count=2)])
endpoint.wait_for_status("InService", poll=1)
said["instances"] = endpoint.production_variants[0].current_instance_count
said["listed"] = [one.endpoint_name for one in Endpoint.get_all(name_contains="sums")]
endpoint.delete()
endpoint.wait_for_delete(poll=1)
print("\n" + json.dumps(said))
