"""A job as a script of the official SageMaker SDK 3.x, for those who want to leave or to look under the hood.

The SDK gets no source code: its own launch scripts would replace the launcher, and they do not forward SIGTERM.
"""

import re
from collections.abc import Mapping
from typing import Any

from contract import variables
from yard.errors import UserError

_CHAINED = {
    "MetricDefinitions": ("with_metric_definitions", "MetricDefinition"),
    "TensorBoardOutputConfig": ("with_tensorboard_output_config", "TensorBoardOutputConfig"),
    "RetryStrategy": ("with_retry_strategy", "RetryStrategy"),
    "InfraCheckConfig": ("with_infra_check_config", "InfraCheckConfig"),
    "SessionChainingConfig": ("with_session_chaining_config", "SessionChainingConfig"),
    "RemoteDebugConfig": ("with_remote_debug_config", "RemoteDebugConfig"),
}
_PLAIN = {
    "StoppingCondition": ("stopping_condition", "StoppingCondition"),
    "OutputDataConfig": ("output_data_config", "OutputDataConfig"),
    "CheckpointConfig": ("checkpoint_config", "CheckpointConfig"),
}
_ELSEWHERE = {
    "TrainingJobName",
    "AlgorithmSpecification",
    "RoleArn",
    "HyperParameters",
    "InputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "Tags",
    "Environment",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
}


def sdk_script(job: str, request: Mapping[str, Any]) -> str:
    """The script that sends this CreateTrainingJob request, except for the job's name, which the SDK makes."""
    _refuse_what_the_sdk_lacks(job, request)
    algorithm = dict(request["AlgorithmSpecification"])
    metrics = algorithm.pop("MetricDefinitions", None)
    chained = dict(request) if metrics is None else {**request, "MetricDefinitions": metrics}
    arguments = {
        **_algorithm(algorithm),
        "role": repr(request["RoleArn"]),
        "base_job_name": repr(job),
        "compute": _compute(request),
        **_networking(request),
        **{name: _made(kind, request[field]) for field, (name, kind) in _PLAIN.items() if field in request},
        **_inputs(request),
        "hyperparameters": _literal(request.get("HyperParameters", {})),
        "environment": _literal(request.get("Environment", {})),
        "tags": _list_of("Tag", request.get("Tags", [])),
    }
    lines = [f"    {name}={value}," for name, value in arguments.items()]
    chain = [
        f"trainer.{_CHAINED[field][0]}({_chain_value(field, chained[field])})" for field in _CHAINED if field in chained
    ]
    used = sorted({word for word in _CLASSES if any(f"{word}(" in line for line in [*lines, *chain])})
    imports = "\n".join(["from sagemaker.core.training.configs import (", *(f"    {word}," for word in used), ")"])
    body = "\n".join(["trainer = ModelTrainer(", *lines, ")", *chain])
    return "\n".join([_HEAD.format(job=job), imports, _FROM, "", _RUN, _with_new_run(body, request), _TAIL])


def _with_new_run(body: str, request: Mapping[str, Any]) -> str:
    """A run's id names its checkpoints: a script that kept one would go on from its own last start."""
    run_id = request["Environment"][variables.RUN_ID]
    literal = re.compile(r"'([^'\\\n]*)'")
    return literal.sub(lambda match: _joined(match[1].split(run_id)), body)


def _joined(parts: list[str]) -> str:
    if len(parts) == 1:
        return repr(parts[0])
    pieces = [repr(part) if part else "" for part in parts]
    return " + ".join(word for piece in pieces for word in (piece, "RUN") if word)[: -len(" + RUN")]


_CLASSES = (
    "Channel",
    "CheckpointConfig",
    "Compute",
    "InfraCheckConfig",
    "MetricDefinition",
    "Networking",
    "OutputDataConfig",
    "RemoteDebugConfig",
    "RetryStrategy",
    "SessionChainingConfig",
    "StoppingCondition",
    "Tag",
    "TensorBoardOutputConfig",
    "TrainingImageConfig",
)
_HEAD = '''"""The job {job} for the official SageMaker SDK 3.x (pip install sagemaker); written by `yard export`."""

import os
from datetime import UTC, datetime

# Before it starts, the SDK tests the role against a list of permissions that goes beyond least privilege and lacks
# this role's conditions (a namespace, a bucket), and refuses the role. The service itself needs no more than these.
os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
'''
_RUN = f'''# A new run with each start; to go on from an earlier one's checkpoints, set {variables.RUN_ID} to its id
RUN = os.environ.get("{variables.RUN_ID}", f"{{datetime.now(UTC):%Y%m%d-%H%M%S}}-{{os.urandom(2).hex()}}")
'''
_FROM = "from sagemaker.train import ModelTrainer"
_TAIL = '\nif __name__ == "__main__":\n    trainer.train(wait=True)\n'


def _refuse_what_the_sdk_lacks(job: str, request: Mapping[str, Any]) -> None:
    lacking = sorted(set(request) - set(_CHAINED) - set(_PLAIN) - _ELSEWHERE)
    entrypoint = {"ContainerEntrypoint", "ContainerArguments"} & set(request["AlgorithmSpecification"])
    if entrypoint:
        lacking.append("an entry point of its own")
    if lacking:
        raise UserError(
            f"The SDK's ModelTrainer cannot express {job!r}: it has no way to set {', '.join(lacking)}.",
            f"Print the plain request, for boto3 or the AWS CLI: yard export {job} --request",
        )


def _algorithm(algorithm: dict[str, Any]) -> dict[str, str]:
    names = {"TrainingImage": "training_image", "AlgorithmName": "algorithm_name"}
    found = {names[key]: repr(algorithm[key]) for key in names if key in algorithm}
    found["training_input_mode"] = repr(algorithm["TrainingInputMode"])
    if "TrainingImageConfig" in algorithm:
        found["training_image_config"] = _made("TrainingImageConfig", algorithm["TrainingImageConfig"])
    return found


def _compute(request: Mapping[str, Any]) -> str:
    return _made("Compute", {**request["ResourceConfig"], **_only(request, "EnableManagedSpotTraining")})


def _networking(request: Mapping[str, Any]) -> dict[str, str]:
    switches = _only(request, "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")
    fields = {**request.get("VpcConfig", {}), **switches}
    return {"networking": _made("Networking", fields)} if fields else {}


def _only(request: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}


def _inputs(request: Mapping[str, Any]) -> dict[str, str]:
    channels = request.get("InputDataConfig")
    return {} if channels is None else {"input_data_config": _list_of("Channel", channels)}


def _chain_value(field: str, value: Any) -> str:
    kind = _CHAINED[field][1]
    return _list_of(kind, value) if isinstance(value, list) else _made(kind, value)


def _list_of(kind: str, values: list[Mapping[str, Any]]) -> str:
    return "[\n" + "".join(f"        {_made(kind, value)},\n" for value in values) + "    ]"


def _made(kind: str, fields: Mapping[str, Any]) -> str:
    return f"{kind}({', '.join(f'{_snake(name)}={_nested(value)}' for name, value in fields.items())})"


def _nested(value: Any) -> str:
    """Below the first level the SDK builds its classes from dicts."""
    return repr(_snaked(value))


def _snaked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_snake(name): _snaked(inner) for name, inner in value.items()}
    return [_snaked(inner) for inner in value] if isinstance(value, list) else value


def _literal(values: Mapping[str, str]) -> str:
    return "{\n" + "".join(f"        {name!r}: {value!r},\n" for name, value in values.items()) + "    }"


def _snake(name: str) -> str:
    from botocore import xform_name

    return str(xform_name(name))
