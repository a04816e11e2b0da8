"""Runs in .venv-sdk: a person's own script of scikit-learn by ModelBuilder: endpoints of three kinds, and a batch.

`python model_builder.py ROLE BUCKET SOURCE_DIR`; the last line is JSON: what was answered.
"""

import json
import logging
import sys
from urllib.parse import urlparse

import numpy
from sagemaker.core import image_uris
from sagemaker.core.deserializers import CSVDeserializer, JSONDeserializer
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.inference_config import AsyncInferenceConfig, ServerlessInferenceConfig
from sagemaker.core.inputs import BatchDataCaptureConfig
from sagemaker.core.resources import Endpoint
from sagemaker.core.serializers import CSVSerializer, JSONSerializer
from sagemaker.core.training.configs import SourceCode
from sagemaker.serve import ModelBuilder

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
role, bucket, source = sys.argv[1:]
# without a bucket of its own the session asks STS at its public address, whatever AWS_ENDPOINT_URL says
session = Session(default_bucket=bucket)
rows = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]


def built(name: str) -> ModelBuilder:
    """The script and the model in AWS's own image; a builder is for one deployment."""
    builder = ModelBuilder(
        image_uri=image_uris.retrieve(
            "sklearn", "us-east-1", version="1.2-1", py_version="py3", image_scope="inference"
        ),
        s3_model_data_url=f"s3://{bucket}/sdk/flowers/model.tar.gz",
        source_code=SourceCode(source_dir=source, entry_script="inference.py"),
        role_arn=role,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    builder.build(model_name=name)
    return builder


def object_at(uri: str) -> bytes:
    """An object, once it is there."""
    client, place = session.boto_session.client("s3"), urlparse(uri)
    client.get_waiter("object_exists").wait(
        Bucket=place.netloc, Key=place.path[1:], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return client.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()


def ready(endpoint: Endpoint) -> Endpoint:
    """Wait for an endpoint: `deploy` itself looks every half minute alone."""
    endpoint.wait_for_status("InService", poll=1)
    return endpoint


def ask(endpoint: Endpoint) -> dict:
    """Rows through the SDK's serializers, and back through its deserializers."""
    said = {}
    endpoint.serializer, endpoint.deserializer = CSVSerializer(), CSVDeserializer()
    answer = endpoint.invoke(body=numpy.array(rows), content_type="text/csv", accept="text/csv")
    said["csv"], said["type"], said["variant"] = answer.body, answer.content_type, answer.invoked_production_variant
    endpoint.serializer, endpoint.deserializer = JSONSerializer(), JSONDeserializer()
    said["json"] = endpoint.invoke(
        body={"instances": rows}, content_type="application/json", accept="application/json"
    ).body
    return said


def ask_later(endpoint: Endpoint) -> str:
    """The same row by its place in S3."""
    session.upload_string_as_file_body("6.7,3.0,5.2,2.3\n", bucket, "sdk/later/in.csv")
    answer = endpoint.invoke_async(
        input_location=f"s3://{bucket}/sdk/later/in.csv", content_type="text/csv", accept="text/csv"
    )
    return object_at(answer.output_location).decode()


now, later, rarely = built("flowers-now"), built("flowers-later"), built("flowers-rarely")
session.upload_string_as_file_body("a,5.1,3.5,1.4,0.2\nb,6.7,3.0,5.2,2.3\n", bucket, "sdk/batch/in.csv")
transformer = now.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/sdk/batch-out",
    accept="text/csv",
    assemble_with="Line",
    strategy="MultiRecord",
)
transformer.transform(
    f"s3://{bucket}/sdk/batch/", content_type="text/csv", split_type="Line", input_filter="$[1:]", join_source="Input",
    output_filter="$[0,-2,-1]", wait=False,
    batch_data_capture_config=BatchDataCaptureConfig(f"s3://{bucket}/sdk/captured", generate_inference_id=True),
)  # fmt: skip
asynchronous = later.deploy(
    endpoint_name="flowers-later",
    inference_config=AsyncInferenceConfig(output_path=f"s3://{bucket}/sdk/later/out"),
    wait=False,
)
serverless = rarely.deploy(
    endpoint_name="flowers-rarely",
    inference_config=ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=1),
    wait=False,
)
realtime = now.deploy(endpoint_name="flowers-now", wait=False)
said = {"now": ask(ready(realtime)), "later": ask_later(ready(asynchronous)), "rarely": ask(ready(serverless))}
transformer.wait(logs=True)
said["batch"] = object_at(f"s3://{bucket}/sdk/batch-out/in.csv.out").decode()
for endpoint in (realtime, asynchronous, serverless):
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
print("\n" + json.dumps(said))
