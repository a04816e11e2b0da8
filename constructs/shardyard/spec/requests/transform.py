"""The CreateTransformJob request, and the CreateModel request before it.

A transform job names a SageMaker Model, which says image, archive, role and network. Each launch makes one and deletes
it: what a run trained is known at launch only, a Model cannot be changed, and a Model of the stack would go on naming
the run of the last deploy. Step Functions' own createModel does it in a state of the machine, so that an execution
shows which archive it used; a Model costs nothing while it is there.
"""

from collections.abc import Mapping
from typing import Any

from contract import variables
from shardyard.spec import names
from shardyard.spec.catalogue.instances import has_local_disk
from shardyard.spec.jobs.transform.data import Capture, TransformInput
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.deployment import Deployment, Json, tags, vpc
from shardyard.spec.requests.places import address, own_place
from shardyard.spec.run_settings import RESULTS


def to_request(spec: TransformSpec, deployment: Deployment, *, job_name: str, run_id: str) -> Json:
    """The request of one attempt.

    `Environment` is always there, because an execution's input may bring variables; all others are there only when the
    job uses them.
    """
    always: Json = {
        "TransformJobName": job_name,
        "ModelName": model_name(spec.name, run_id),
        "TransformInput": _input(spec.input, deployment),
        "TransformOutput": _output(spec, deployment, run_id),
        "TransformResources": _resources(spec, deployment),
        "Environment": dict(spec.environment),
        "Tags": tags(spec, deployment, run_id),
    }
    batching = spec.batching
    used: Json = {
        "BatchStrategy": batching.strategy,
        "MaxPayloadInMB": batching.max_payload_mb,
        "MaxConcurrentTransforms": batching.max_concurrent,
        "ModelClientConfig": _client(spec),
        "DataProcessing": _processing(spec),
        "DataCaptureConfig": None if spec.capture is None else _capture(spec.capture, deployment),
        "ExperimentConfig": _experiment(spec),
    }
    return always | {name: value for name, value in used.items() if value not in (None, {})}


def model_request(spec: TransformSpec, deployment: Deployment, *, run_id: str, data_url: str) -> Json:
    """The Model that a launch makes: the job's image with the archive at this address."""
    request: Json = {
        "ModelName": model_name(spec.name, run_id),
        "ExecutionRoleArn": deployment.role_arn,
        "PrimaryContainer": {
            "Image": deployment.image_for(spec),
            "ModelDataUrl": data_url,
            "Environment": {variables.RUN_ID: run_id, variables.JOB: spec.name},
        },
        "EnableNetworkIsolation": spec.network.isolation,
        "Tags": tags(spec, deployment, run_id),
    }
    network = vpc(spec, deployment)
    return request if network is None else {**request, "VpcConfig": network}


def model_name(job: str, run_id: str) -> str:
    """The Model of a run; all its attempts use the same."""
    return names.model_name(job, run_id)


def input_address(one: TransformInput, deployment: Deployment) -> str:
    """The whole S3 address of the input."""
    return address(one.s3, one.bucket, deployment)


def model_address(spec: TransformSpec, deployment: Deployment) -> str | None:
    """The whole S3 address of the model's archive; None for a run's, which preflight finds."""
    return None if spec.model.s3 is None else address(spec.model.s3, spec.model.bucket, deployment)


def _input(one: TransformInput, deployment: Deployment) -> Json:
    return {
        "DataSource": {"S3DataSource": {"S3DataType": one.type, "S3Uri": input_address(one, deployment)}},
        "ContentType": one.content_type,
        "SplitType": one.split,
        "CompressionType": one.compression,
    }


def _output(spec: TransformSpec, deployment: Deployment, run_id: str) -> Json:
    output = spec.output
    place = f"{own_place(spec.name, deployment, run_id)}{RESULTS}/"
    key = deployment.kms_key_arn if output.kms_key is None else output.kms_key
    made: Json = {
        "S3OutputPath": place if output.s3 is None else address(output.s3, output.bucket, deployment),
        "AssembleWith": output.assemble_with,
        "Accept": output.accept,
        "KmsKeyId": key,
    }
    return {name: value for name, value in made.items() if value is not None}


def _resources(spec: TransformSpec, deployment: Deployment) -> Json:
    compute = spec.compute
    own = None if has_local_disk(compute.instance_types) else deployment.kms_key_arn
    made: Json = {
        "InstanceType": compute.instance_type,
        "InstanceCount": compute.count,
        "VolumeKmsKeyId": own if compute.volume_kms_key is None else compute.volume_kms_key,
        "TransformAmiVersion": compute.ami_version,
    }
    return {name: value for name, value in made.items() if value is not None}


def _client(spec: TransformSpec) -> Json:
    made = {
        "InvocationsTimeoutInSeconds": spec.batching.timeout_seconds,
        "InvocationsMaxRetries": spec.batching.retries,
    }
    return {name: value for name, value in made.items() if value is not None}


def _processing(spec: TransformSpec) -> Json:
    given = spec.data_processing
    made: Mapping[str, Any] = {
        "InputFilter": given.input_filter,
        "JoinSource": given.join,
        "OutputFilter": given.output_filter,
    }
    return {} if set(made.values()) == {"$", "None"} else dict(made)


def _capture(capture: Capture, deployment: Deployment) -> Json:
    key = deployment.kms_key_arn if capture.kms_key is None else capture.kms_key
    return {
        "DestinationS3Uri": address(capture.s3, capture.bucket, deployment),
        "GenerateInferenceId": capture.inference_ids,
        **({} if key is None else {"KmsKeyId": key}),
    }


def _experiment(spec: TransformSpec) -> Json:
    return {} if spec.experiment is None else spec.experiment.to_request()
