"""The CreateProcessingJob request: one job definition, what is known of the deployment, and one attempt's name."""

from collections.abc import Mapping
from typing import Any

from contract import secrets, variables
from shardyard.spec import names
from shardyard.spec.catalogue.instances import has_local_disk
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.processing.inputs import Input
from shardyard.spec.jobs.processing.outputs import ProcessingOutput
from shardyard.spec.jobs.processing.processing import ProcessingSpec, Spark
from shardyard.spec.requests.deployment import Deployment, Json, tags, vpc
from shardyard.spec.requests.places import address, own_place

_INPUTS = "/opt/ml/processing/input"
SPARK_EVENTS = "/opt/ml/processing/spark-events"
"""Where Spark writes its event logs, as AWS's container expects it."""
SPARK_EVENTS_OUTPUT = "spark-events"
"""The output that carries them."""
SPARK_CODE = "/opt/ml/processing/application"
"""Where the code of a Spark application is unpacked: AWS's container has no launcher of ours."""
_UNPACK = (
    "import os,sys,zipfile;"
    "zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2]);"
    "os.chdir(sys.argv[2]);os.execvp(sys.argv[3],sys.argv[3:])"
)
"""Unpacks the code, then becomes what follows."""


def to_request(spec: ProcessingSpec, deployment: Deployment, *, job_name: str, run_id: str) -> Json:
    """The request of one attempt.

    Fields that the execution's input can switch on are always there, because the state that sends the request names
    its fields at synth; all others are there only when the job uses them.
    """
    always: Json = {
        "ProcessingJobName": job_name,
        "AppSpecification": _application(spec, deployment),
        "RoleArn": deployment.role_arn,
        "ProcessingResources": {"ClusterConfig": _cluster(spec, deployment)},
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.limits.max_runtime_seconds},
        "Environment": environment(spec, run_id),
        "Tags": tags(spec, deployment, run_id),
    }
    used: Json = {
        "ProcessingInputs": _inputs(spec, deployment, run_id),
        "ProcessingOutputConfig": _outputs(spec, deployment, run_id),
        "NetworkConfig": _network(spec, deployment),
        "ExperimentConfig": None if spec.experiment is None else spec.experiment.to_request(),
    }
    return always | {name: value for name, value in used.items() if value}


def environment(spec: ProcessingSpec, run_id: str) -> dict[str, str]:
    """The container's variables: what the launcher reads, then the job's own."""
    ours = {variables.RUN_ID: run_id, variables.JOB: spec.name}
    if spec.source is not None and spec.source.sha256 is not None and spec.spark is None:
        ours[variables.SOURCE_SHA256] = spec.source.sha256
    if spec.without_gpus:
        ours[variables.WITHOUT_GPUS] = "1"
    return {**ours, **secrets.encode(spec.secrets), **spec.environment}


def input_address(one: Input, deployment: Deployment) -> str | None:
    """The whole S3 address of an input; None for the result of a query."""
    return None if one.s3 is None else address(one.s3, one.bucket, deployment)


def output_address(name: str, one: ProcessingOutput, deployment: Deployment, *, job: str, run_id: str) -> str:
    """The whole S3 address of an output."""
    if one.s3 is None:
        return f"{own_place(job, deployment, run_id)}{name}/"
    return address(one.s3, one.bucket, deployment)


def container_command(spec: ProcessingSpec, launcher_sha256: str | None) -> tuple[list[str], list[str]]:
    """The container's entry point and arguments; an empty list leaves the image's own."""
    if spec.spark is not None:
        return _spark(spec, spec.spark), list(spec.spark.arguments)
    entrypoint, arguments = list(spec.image.entrypoint), list(spec.image.arguments)
    if spec.program is None:
        return entrypoint, arguments
    if spec.image.framework is not None and launcher_sha256 is not None and not entrypoint:
        entrypoint = ["python", f"{_INPUTS}/launcher/{launcher_sha256}.zip"]
    return entrypoint, ["process", spec.program.entry, *spec.program.arguments]


def _application(spec: ProcessingSpec, deployment: Deployment) -> Json:
    entrypoint, arguments = container_command(spec, deployment.launcher_sha256)
    made: Json = {"ImageUri": deployment.image_for(spec)}
    if entrypoint:
        made["ContainerEntrypoint"] = entrypoint
    if arguments:
        made["ContainerArguments"] = arguments
    return made


def _spark(spec: ProcessingSpec, spark: Spark) -> list[str]:
    command = ["smspark-submit"]
    if spark.main_class is not None:
        command += ["--class", spark.main_class]
    for option, named in (("--py-files", spark.py_files), ("--jars", spark.jars), ("--files", spark.files)):
        if named:
            # AWS's container takes folders and lists what lies in them
            command += [option, ",".join(spec.inputs[name].path_of(name) for name in named if name in spec.inputs)]
    if spark.event_logs:
        command += ["--local-spark-event-logs-dir", f"{SPARK_EVENTS}/"]
    sha256 = _sha256(spec)
    unpack = ["python3", "-c", _UNPACK, f"{_INPUTS}/code/{sha256}.zip", SPARK_CODE]
    return [*unpack, *command, f"{SPARK_CODE}/{spark.application}"]


def _sha256(spec: ProcessingSpec) -> str:
    if spec.source is None or spec.source.sha256 is None:
        named = "the job" if spec.source is None else repr(spec.source.dir)
        raise SpecError([Problem("source", f"no bundle of {named} was made yet, so it has no hash")])
    return spec.source.sha256


def _cluster(spec: ProcessingSpec, deployment: Deployment) -> Json:
    compute = spec.compute
    made: Json = {"VolumeSizeInGB": compute.volume_gb}
    if compute.preferences:
        made["InstancePreferences"] = [
            {"InstanceType": one.instance_type, "InstanceCount": compute.count if one.count is None else one.count}
            for one in compute.preferences
        ]
    else:
        made |= {"InstanceType": compute.instance_type, "InstanceCount": compute.count}
    key = deployment.kms_key_arn if compute.volume_kms_key is None else compute.volume_kms_key
    if key is not None and not has_local_disk(compute.instance_types):
        made["VolumeKmsKeyId"] = key
    return made


def _inputs(spec: ProcessingSpec, deployment: Deployment, run_id: str) -> list[Json]:
    own = [_input(name, one, deployment, job=spec.name, run_id=run_id) for name, one in spec.inputs.items()]
    added = {}
    if spec.source is not None:
        added["code"] = _sha256(spec)
    if spec.program is not None and spec.image.framework is not None and deployment.launcher_sha256 is not None:
        added["launcher"] = deployment.launcher_sha256
    brought = {name: names.source_key(sha256) for name, sha256 in added.items()}
    return own + [
        _input(name, Input(s3=f"s3://{deployment.artifact_bucket}/{key}"), deployment, job=spec.name, run_id=run_id)
        for name, key in brought.items()
    ]


def _input(name: str, one: Input, deployment: Deployment, *, job: str, run_id: str) -> Json:
    made: Json = {"InputName": name}
    if one.app_managed:
        made["AppManaged"] = True
    if one.s3 is None:
        return {**made, "DatasetDefinition": _dataset(name, one, deployment, job=job, run_id=run_id)}
    source: Json = {
        "S3Uri": input_address(one, deployment),
        "LocalPath": one.path_of(name),
        "S3DataType": one.type,
        "S3InputMode": one.mode,
        "S3DataDistributionType": one.distribution,
    }
    if one.compression != "None":
        source["S3CompressionType"] = one.compression
    return {**made, "S3Input": source}


def _dataset(name: str, one: Input, deployment: Deployment, *, job: str, run_id: str) -> Json:
    """A query's result lies under its run until its prefix expires."""
    place = f"{own_place(job, deployment, run_id)}queries/{name}/"
    made: Json = {
        "LocalPath": one.path_of(name),
        "DataDistributionType": one.distribution,
        "InputMode": one.mode,
    }
    query = one.athena if one.athena is not None else one.redshift
    assert query is not None
    key = deployment.kms_key_arn if query.kms_key is None else query.kms_key
    shared: Json = {
        "Database": query.database,
        "QueryString": query.query,
        "OutputS3Uri": place,
        "OutputFormat": query.format,
        **({} if query.compression is None else {"OutputCompression": query.compression}),
        **({} if key is None else {"KmsKeyId": key}),
    }
    if one.athena is not None:
        group = {} if one.athena.work_group is None else {"WorkGroup": one.athena.work_group}
        made["AthenaDatasetDefinition"] = {"Catalog": one.athena.catalog, **shared, **group}
    if one.redshift is not None:
        made["RedshiftDatasetDefinition"] = {
            "ClusterId": one.redshift.cluster,
            "DbUser": one.redshift.user,
            "ClusterRoleArn": one.redshift.cluster_role_arn,
            **shared,
        }
    return made


def _outputs(spec: ProcessingSpec, deployment: Deployment, run_id: str) -> Json | None:
    every = all_outputs(spec)
    if not every:
        return None
    key = deployment.kms_key_arn if spec.output.kms_key is None else spec.output.kms_key
    return {
        "Outputs": [_output(name, one, deployment, job=spec.name, run_id=run_id) for name, one in every.items()],
        **({} if key is None else {"KmsKeyId": key}),
    }


def all_outputs(spec: ProcessingSpec) -> Mapping[str, ProcessingOutput]:
    """The job's outputs, and the one for Spark's event logs."""
    if spec.spark is None or not spec.spark.event_logs:
        return spec.outputs
    events = ProcessingOutput(local_path=SPARK_EVENTS, upload="Continuous")
    return {**spec.outputs, SPARK_EVENTS_OUTPUT: events}


def _output(name: str, one: ProcessingOutput, deployment: Deployment, *, job: str, run_id: str) -> Json:
    made: Json = {"OutputName": name}
    if one.app_managed:
        made["AppManaged"] = True
    if one.feature_group is not None:
        return {**made, "FeatureStoreOutput": {"FeatureGroupName": one.feature_group}}
    place = {"S3Uri": output_address(name, one, deployment, job=job, run_id=run_id), "S3UploadMode": one.upload}
    return {**made, "S3Output": {**place, "LocalPath": one.path_of(name)}}


def _network(spec: ProcessingSpec, deployment: Deployment) -> Json:
    made: dict[str, Any] = {
        "EnableNetworkIsolation": spec.network.isolation,
        "EnableInterContainerTrafficEncryption": spec.network.encrypt_traffic,
        "VpcConfig": vpc(spec, deployment),
    }
    return {name: value for name, value in made.items() if value}
