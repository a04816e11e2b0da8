"""The CreateTrainingJob request: one job definition, what is known of the deployment, and one attempt's name."""

from collections.abc import Mapping
from typing import Any

from contract import arguments, secrets, variables
from contract.hyperparameters import Scalar, bare, encode_all
from contract.paths import CHECKPOINT_FOLDER
from shardyard.spec import names
from shardyard.spec.catalogue.instances import has_local_disk
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.metrics import metric_definitions
from shardyard.spec.jobs.program import Image
from shardyard.spec.requests.deployment import Deployment, Json, tags, vpc
from shardyard.spec.requests.training_data import channels


def to_request(spec: JobSpec, deployment: Deployment, *, job_name: str, run_id: str) -> Json:
    """The request of one attempt.

    Fields that the execution's input can switch on are always there, because the state that sends the request names
    its fields at synth; all others are there only when the job uses them.
    """
    always: Json = {
        "TrainingJobName": job_name,
        "AlgorithmSpecification": _algorithm(spec, deployment),
        "RoleArn": deployment.role_arn,
        "HyperParameters": hyperparameters(spec.image, spec.hyperparameters),
        "OutputDataConfig": _output(spec, deployment, run_id),
        "ResourceConfig": _resources(spec, deployment),
        "StoppingCondition": _stopping(spec),
        "Tags": tags(spec, deployment, run_id),
        "Environment": environment(spec, run_id, checkpoints=_checkpoint_place(spec, deployment, run_id)),
        "EnableManagedSpotTraining": spec.spot.enabled,
    }
    used: Json = {
        "InputDataConfig": channels(spec, deployment.data_bucket, _added_channels(spec, deployment)),
        "VpcConfig": vpc(spec, deployment),
        "CheckpointConfig": _checkpoints(spec, deployment, run_id),
        "EnableNetworkIsolation": spec.network.isolation,
        "EnableInterContainerTrafficEncryption": spec.network.encrypt_traffic,
        **_options(spec, deployment, run_id),
    }
    return always | {name: value for name, value in used.items() if value}


def hyperparameters(image: Image, values: Mapping[str, Scalar]) -> dict[str, str]:
    """The texts that SageMaker carries; an algorithm that is not ours would read quotes as part of a text."""
    if image.builtin is not None or image.algorithm is not None:
        return {name: bare(value) for name, value in values.items()}
    return encode_all(values)


def environment(spec: JobSpec, run_id: str, *, checkpoints: str | None) -> dict[str, str]:
    """The container's variables: what the launcher reads, then the job's own; `checkpoints` is their place in S3."""
    ours = {variables.RUN_ID: run_id, variables.JOB: spec.name}
    if checkpoints is not None:
        ours[variables.CHECKPOINT_S3] = checkpoints
        if spec.checkpoints.local_path != CHECKPOINT_FOLDER:
            ours[variables.CHECKPOINT_DIR] = spec.checkpoints.local_path
    if spec.program is not None:
        ours[variables.ENTRY] = spec.program.entry
        ours[variables.LAUNCHER] = spec.program.launcher
        if spec.program.without_gpus:
            ours[variables.WITHOUT_GPUS] = "1"
        if spec.program.processes_per_node is not None:
            ours[variables.PROCESSES_PER_NODE] = str(spec.program.processes_per_node)
        if spec.program.parameter_servers is not None:
            ours[variables.PARAMETER_SERVERS] = str(spec.program.parameter_servers)
        if spec.program.server_group is not None:
            ours[variables.SERVER_GROUP] = spec.program.server_group
        ours |= arguments.encode(spec.program.arguments)
    if spec.source is not None and spec.source.sha256 is not None:
        ours[variables.SOURCE_SHA256] = spec.source.sha256
    ours |= spec.guards.environment()
    return {**ours, **secrets.encode(spec.secrets), **spec.environment}


def _algorithm(spec: JobSpec, deployment: Deployment) -> Json:
    image = spec.image
    definition: Json = {"TrainingInputMode": _common_mode(spec)}
    if image.algorithm is not None:
        definition["AlgorithmName"] = image.algorithm
        return definition
    definition["TrainingImage"] = deployment.image_for(spec)
    if image.builtin is not None:  # its metrics are its own
        return definition
    definition["MetricDefinitions"] = metric_definitions(spec.metrics)
    entrypoint = list(image.entrypoint)
    if image.framework is not None and not entrypoint and deployment.launcher_sha256 is not None:
        entrypoint = ["python", f"/opt/ml/input/data/launcher/{deployment.launcher_sha256}.zip"]
    if entrypoint:
        definition["ContainerEntrypoint"] = entrypoint
    if image.arguments:
        definition["ContainerArguments"] = list(image.arguments)
    if image.access is not None:
        definition["TrainingImageConfig"] = {"TrainingRepositoryAccessMode": image.access}
        if image.credentials_function is not None:
            definition["TrainingImageConfig"]["TrainingRepositoryAuthConfig"] = {
                "TrainingRepositoryCredentialsProviderArn": image.credentials_function
            }
    return definition


def _common_mode(spec: JobSpec) -> str:
    modes = {channel.mode for channel in spec.channels.values()}
    return modes.pop() if len(modes) == 1 else "File"


def _added_channels(spec: JobSpec, deployment: Deployment) -> dict[str, str]:
    added = {}
    if spec.source is not None:
        if spec.source.sha256 is None:
            raise SpecError([Problem("source", f"no bundle of {spec.source.dir!r} was made yet, so it has no hash")])
        added["code"] = names.source_key(spec.source.sha256)
    if spec.image.framework is not None and deployment.launcher_sha256 is not None:
        added["launcher"] = names.source_key(deployment.launcher_sha256)
    return {name: f"s3://{deployment.artifact_bucket}/{key}" for name, key in added.items()}


def _output(spec: JobSpec, deployment: Deployment, run_id: str) -> Json:
    key = deployment.kms_key_arn if spec.output.kms_key is None else spec.output.kms_key
    output = {"S3OutputPath": f"s3://{deployment.artifact_bucket}/{names.run_prefix(run_id)}"}
    if key is not None:
        output["KmsKeyId"] = key
    # Left out where it is the default: Step Functions' own integration is not known to take it, and a job that used
    # it would go the longer way.
    if spec.output.compression != "GZIP":
        output["CompressionType"] = spec.output.compression
    return output


def _resources(spec: JobSpec, deployment: Deployment) -> Json:
    compute = spec.compute
    resources: Json = {"VolumeSizeInGB": compute.volume_gb}
    if compute.groups:
        resources["InstanceGroups"] = [
            {"InstanceGroupName": g.name, "InstanceType": g.instance_type, "InstanceCount": g.count}
            for g in compute.groups
        ]
    elif compute.preferences:
        resources["InstancePreferences"] = [_preference(p, compute.count) for p in compute.preferences]
    else:
        resources |= {"InstanceType": compute.instance_type, "InstanceCount": compute.count}
    key = deployment.kms_key_arn if compute.volume_kms_key is None else compute.volume_kms_key
    if key is not None and not has_local_disk(compute.instance_types):
        resources["VolumeKmsKeyId"] = key
    if compute.keep_alive_seconds is not None:
        resources["KeepAlivePeriodInSeconds"] = compute.keep_alive_seconds
    if compute.training_plan is not None:
        resources["TrainingPlanArn"] = compute.training_plan
    if compute.placement is not None:
        resources["InstancePlacementConfig"] = {
            "EnableMultipleJobs": compute.placement.multiple_jobs,
            "PlacementSpecifications": [
                ({} if server.id is None else {"UltraServerId": server.id}) | {"InstanceCount": server.count}
                for server in compute.placement.ultra_servers
            ],
        }
    return resources


def _preference(preference: Any, count: int) -> Json:
    made: Json = {
        "InstanceType": preference.instance_type,
        "InstanceCount": count if preference.count is None else preference.count,
    }
    if preference.training_plan is not None:
        made["TrainingPlanArns"] = [preference.training_plan]
    return made


def _stopping(spec: JobSpec) -> Json:
    condition = {"MaxRuntimeInSeconds": spec.limits.max_runtime_seconds}
    if spec.max_wait_seconds is not None:
        condition["MaxWaitTimeInSeconds"] = spec.max_wait_seconds
    if spec.limits.max_pending_seconds is not None:
        condition["MaxPendingTimeInSeconds"] = spec.limits.max_pending_seconds
    return condition


def _checkpoint_place(spec: JobSpec, deployment: Deployment, run_id: str) -> str | None:
    if not spec.checkpoints.enabled:
        return None
    own = f"s3://{deployment.artifact_bucket}/{names.checkpoint_prefix(spec.name, run_id)}"
    return own if spec.checkpoints.s3 is None else spec.checkpoints.s3


def _checkpoints(spec: JobSpec, deployment: Deployment, run_id: str) -> Json | None:
    place = _checkpoint_place(spec, deployment, run_id)
    return None if place is None else {"S3Uri": place, "LocalPath": spec.checkpoints.local_path}


def _options(spec: JobSpec, deployment: Deployment, run_id: str) -> Json:
    options: Json = {}
    if spec.retry is not None:
        options["RetryStrategy"] = {"MaximumRetryAttempts": spec.retry.attempts}
    if spec.tensorboard.enabled:
        options["TensorBoardOutputConfig"] = {
            "S3OutputPath": f"s3://{deployment.artifact_bucket}/{names.run_prefix(run_id)}tensorboard/",
            "LocalPath": spec.tensorboard.local_path,
        }
    if spec.mlflow is not None:
        experiment, run_name = spec.mlflow.experiment, spec.mlflow.run_name
        options["MlflowConfig"] = {
            "MlflowResourceArn": spec.mlflow.resource_arn,
            "MlflowExperimentName": spec.name if experiment is None else experiment,
            "MlflowRunName": run_id if run_name is None else run_name,
        }
    if spec.debug.remote:
        options["RemoteDebugConfig"] = {"EnableRemoteDebug": True}
    if spec.infra_check.enabled:
        options["InfraCheckConfig"] = {"EnableInfraCheck": True}
    if spec.session.tag_chaining:
        options["SessionChainingConfig"] = {"EnableSessionTagChaining": True}
    return options
