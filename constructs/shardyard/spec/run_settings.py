"""What a run was set to, read from its training job: a request and its description have the same shape.

The receipt keeps it, and `yard compare` names what differs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contract import arguments, secrets, variables
from contract.hyperparameters import decode_all
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRANSFORM, of_run

_OF_THE_RUN = (variables.RUN_ID, variables.JOB, variables.CHECKPOINT_S3)
"""Variables that differ between any two runs and set nothing."""
_PROGRAM = {
    variables.ENTRY: "entry",
    variables.LAUNCHER: "launcher",
    variables.PROCESSES_PER_NODE: "processes_per_node",
    variables.PARAMETER_SERVERS: "parameter_servers",
    variables.SERVER_GROUP: "server_group",
    variables.SOURCE_SHA256: "source_sha256",
    variables.STOP_ON_NAN: "stop_on_nan",
    variables.LONGEST_SILENCE: "longest_silence_seconds",
    variables.LONGEST_STEP: "longest_step_seconds",
    variables.SLOW_RANK: "slow_rank",
}
RESULTS = "transform"
"""The name of a transform job's one output."""
AUTOML_RESULTS = "automl"
"""The name of an AutoML job's one output."""
_CODE = "code"
"""By which a run gets its source; no job's own channel has this name."""
_TABLES = ("environment", "secrets", "channels", "inputs")


def run_settings(job: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of CreateTrainingJob's request, or of DescribeTrainingJob's answer."""
    environment = {name: value for name, value in job.get("Environment", {}).items() if name not in _OF_THE_RUN}
    words = arguments.decode(environment)
    environment = {name: value for name, value in environment.items() if not arguments.is_part(name)}
    references = {name.removeprefix(secrets.PREFIX): environment.pop(name) for name in secrets.carried_by(environment)}
    algorithm, stopping = job["AlgorithmSpecification"], job.get("StoppingCondition", {})
    return {
        "image": algorithm.get("TrainingImage", algorithm.get("AlgorithmName")),
        **{name: environment.pop(variable, None) for variable, name in _PROGRAM.items()},
        "arguments": words,
        "hyperparameters": decode_all(job.get("HyperParameters", {})),
        "environment": environment,
        "secrets": references,
        "channels": {channel["ChannelName"]: _channel(channel) for channel in job.get("InputDataConfig", [])},
        "instances": _instances(job["ResourceConfig"]),
        "volume_gb": job["ResourceConfig"].get("VolumeSizeInGB"),
        "spot": bool(job.get("EnableManagedSpotTraining")),
        "max_runtime_seconds": stopping.get("MaxRuntimeInSeconds"),
        "checkpoints": (job.get("CheckpointConfig") or {}).get("LocalPath"),
        "vpc": bool(job.get("VpcConfig")),
        "isolation": bool(job.get("EnableNetworkIsolation")),
        "encrypt_traffic": bool(job.get("EnableInterContainerTrafficEncryption")),
    }


def settings_of(run: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run of any kind."""
    of = of_run(run)
    if of is AUTOML:
        return automl_settings(job)
    if of is TRANSFORM:
        return transform_settings(job)
    return processing_settings(job) if of is PROCESSING else run_settings(job)


def automl_settings(job: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of CreateAutoMLJobV2's request, or of DescribeAutoMLJobV2's answer."""
    ((problem, config),) = job["AutoMLProblemTypeConfig"].items()
    security = job.get("SecurityConfig", {})
    return {
        "problem": problem,
        "inputs": {
            one.get("ChannelType", "training"): {
                "s3": one["DataSource"]["S3DataSource"]["S3Uri"],
                "type": one["DataSource"]["S3DataSource"]["S3DataType"],
                "content_type": one.get("ContentType"),
            }
            for one in job["AutoMLJobInputDataConfig"]
        },
        **config,
        "objective": job.get("AutoMLJobObjective", {}).get("MetricName"),
        "validation_fraction": job.get("DataSplitConfig", {}).get("ValidationFraction"),
        "vpc": bool(security.get("VpcConfig")),
        "encrypt_traffic": bool(security.get("EnableInterContainerTrafficEncryption")),
    }


def transform_settings(job: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of CreateTransformJob's request, or of DescribeTransformJob's answer."""
    source, output = job["TransformInput"], job["TransformOutput"]
    processing = job.get("DataProcessing", {})
    return {
        "model": job["ModelName"],
        "environment": dict(job.get("Environment", {})),
        "inputs": {
            "input": {
                "s3": source["DataSource"]["S3DataSource"]["S3Uri"],
                "content_type": source.get("ContentType"),
                "split": source.get("SplitType"),
            }
        },
        "accept": output.get("Accept"),
        "assemble_with": output.get("AssembleWith"),
        "strategy": job.get("BatchStrategy"),
        "max_payload_mb": job.get("MaxPayloadInMB"),
        "max_concurrent": job.get("MaxConcurrentTransforms"),
        "input_filter": processing.get("InputFilter"),
        "join": processing.get("JoinSource"),
        "output_filter": processing.get("OutputFilter"),
        "instances": _instances(job["TransformResources"]),
    }


def processing_settings(job: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of CreateProcessingJob's request, or of DescribeProcessingJob's answer."""
    environment = {name: value for name, value in job.get("Environment", {}).items() if name not in _OF_THE_RUN}
    source = environment.pop(variables.SOURCE_SHA256, None)
    references = {name.removeprefix(secrets.PREFIX): environment.pop(name) for name in secrets.carried_by(environment)}
    application, network = job["AppSpecification"], job.get("NetworkConfig", {})
    cluster = job["ProcessingResources"]["ClusterConfig"]
    return {
        "image": application["ImageUri"],
        "source_sha256": source,
        "entrypoint": " ".join(application.get("ContainerEntrypoint", [])) or None,
        "arguments": list(application.get("ContainerArguments", [])),
        "environment": environment,
        "secrets": references,
        "inputs": {one["InputName"]: _input(one) for one in job.get("ProcessingInputs", [])},
        "instances": _instances(cluster),
        "volume_gb": cluster.get("VolumeSizeInGB"),
        "max_runtime_seconds": job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        "vpc": bool(network.get("VpcConfig")),
        "isolation": bool(network.get("EnableNetworkIsolation")),
        "encrypt_traffic": bool(network.get("EnableInterContainerTrafficEncryption")),
    }


def outputs_of(job: Mapping[str, Any]) -> dict[str, str]:
    """Where a processing or transform job wrote its outputs, by name; none for a training job."""
    if "AutoMLProblemTypeConfig" in job:
        return {AUTOML_RESULTS: job["OutputDataConfig"]["S3OutputPath"]}
    if "TransformOutput" in job:
        return {RESULTS: job["TransformOutput"]["S3OutputPath"]}
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs if "S3Output" in one}


def _input(one: Mapping[str, Any]) -> dict[str, Any]:
    s3 = one.get("S3Input", {})
    read = {
        "s3": s3.get("S3Uri"),
        "type": s3.get("S3DataType"),
        "distribution": s3.get("S3DataDistributionType"),
        "mode": s3.get("S3InputMode"),
        "compression": s3.get("S3CompressionType"),
        "query": one.get("DatasetDefinition"),
    }
    return {name: value for name, value in read.items() if value not in (None, "None")}


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Each setting under one name, which differs or does not: hyperparameters by theirs, `--key=value` by its key."""
    found = {name: value for name, value in settings.items() if name not in (*_TABLES, "arguments", "hyperparameters")}
    for table in _TABLES:
        rows = settings.get(table, {})
        if table in ("channels", "inputs") and settings.get("source_sha256") and isinstance(rows, Mapping):
            # Where the code lies is named after its hash, which is a setting of its own
            rows = {name: row for name, row in rows.items() if name != _CODE}
        found |= dict(_leaves(table, rows))
    return {**found, **_arguments(settings.get("arguments", [])), **settings.get("hyperparameters", {})}


def _leaves(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield where, value
        return
    for key, inner in value.items():
        yield from _leaves(f"{where}.{key}", inner)


def _arguments(words: list[str]) -> dict[str, str]:
    keyed = [word for word in words if word.startswith("-") and "=" in word]
    rest = [word for word in words if word not in keyed]
    found = {key: value for key, _, value in (word.partition("=") for word in keyed)}
    return found | ({"arguments": " ".join(rest)} if rest else {})


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]
    s3 = source.get("S3DataSource", {})
    others = next((place for name, place in source.items() if name != "S3DataSource"), None)
    read = {
        "s3": s3.get("S3Uri"),
        "type": s3.get("S3DataType"),
        "distribution": s3.get("S3DataDistributionType"),
        "mode": channel.get("InputMode"),
        "content_type": channel.get("ContentType"),
        "compression": channel.get("CompressionType"),
        "record_wrapper": channel.get("RecordWrapperType"),
        "shuffle_seed": channel.get("ShuffleConfig", {}).get("Seed"),
        "place": others,
    }
    return {name: value for name, value in read.items() if value not in (None, "None")}


def _instances(resources: Mapping[str, Any]) -> str:
    groups = resources.get("InstanceGroups") or resources.get("InstancePreferences") or [resources]
    return ", ".join(f"{group['InstanceCount']} x {group['InstanceType']}" for group in groups)
