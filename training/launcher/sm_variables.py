"""The SM_* variables of the contract, with the names and encodings that the public toolkit documents."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.hyperparameters import Written
from contract.variables import CPUS
from training.launcher import network
from training.launcher.endings.failure import LaunchError
from training.launcher.inputs import Contract
from training.launcher.program import Program, to_arguments
from training.launcher.variables import whole

MASTER_PORT = 7777
"""The port that SageMaker's own launchers announce."""

_LONGEST_VARIABLE_BYTES = 131_071
"""Linux' limit for one argument or variable; SageMaker allows 100 hyperparameters of 2500 letters."""

_KNOWN_PARAMETERS = {
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
    "sagemaker_s3_output",
    "sagemaker_enable_cloudwatch_metrics",
    "_tuning_objective_metric",
}
"""Settings that say how to start a program: no framework needs them."""


def count_devices(pattern: str, folder: Path = Path("/dev")) -> int:
    """Count device files, such as nvidia0, nvidia1: a start of nvidia-smi would cost more than the whole launcher."""
    if not folder.is_dir():
        return 0
    return sum(1 for name in os.listdir(folder) if re.fullmatch(pattern, name))


def count_gpus() -> int:
    """The number of NVIDIA GPUs that this container sees."""
    return count_devices(r"nvidia\d+")


def count_neuron_cores(instance_type: str, folder: Path = Path("/dev")) -> int:
    """The Neuron cores that this container sees: those of its instance type, where there are devices at all."""
    return network.neuron_cores(instance_type) if count_devices(r"neuron\d+", folder) else 0


def count_cpus(environ: Mapping[str, str] = os.environ) -> int:
    """The number of processors that this container may use: all, or its share of a machine that holds other nodes."""
    return whole(environ, CPUS, len(os.sched_getaffinity(0)), at_least=1)


def sm_variables(contract: Contract, program: Program, *, interface: str, gpus: int, cpus: int) -> dict[str, str]:
    """Every SM_* variable as text; lists and mappings as compact JSON."""
    values = _values(contract, program, interface=interface, gpus=gpus, cpus=cpus)
    values["training_env"] = _training_env(values, contract)
    variables = {f"SM_{name.upper()}": _encode(value) for name, value in values.items()}
    for name in contract.channels:
        variables |= _both_spellings(f"SM_CHANNEL_{name}", str(contract.channel_dir(name)))
    for name, value in contract.hyperparameters.items():
        variables |= _both_spellings(f"SM_HP_{name}", _encode(value))
    _refuse_too_long(variables)
    return variables


def _refuse_too_long(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        size = len(os.fsencode(f"{name}={value}"))
        if size > _LONGEST_VARIABLE_BYTES:
            raise LaunchError(
                f"{name} would have {size} bytes, and Linux allows {_LONGEST_VARIABLE_BYTES}: "
                "pass fewer or shorter hyperparameters"
            )


def _values(contract: Contract, program: Program, *, interface: str, gpus: int, cpus: int) -> dict[str, Any]:
    resource, given = contract.resource, contract.framework_parameters
    group = resource.get("current_group_name", "homogeneousCluster")
    groups = {item["instance_group_name"]: item for item in resource.get("instance_groups", [])}
    return {
        "hosts": list(contract.hosts),
        "host_count": len(contract.hosts),
        "current_host": contract.current_host,
        "current_host_rank": contract.host_rank,
        "master_addr": contract.hosts[0],
        "master_port": MASTER_PORT,
        "network_interface_name": interface,
        "hps": dict(contract.hyperparameters),
        "user_entry_point": _as_given(program, contract),
        "user_args": list(to_arguments(contract.hyperparameters)),
        "framework_params": {key: value for key, value in given.items() if key not in _KNOWN_PARAMETERS},
        "framework_module": None,
        "resource_config": dict(resource),
        "input_data_config": dict(contract.channels),
        "channels": sorted(contract.channels),
        "current_instance_type": contract.instance_type,
        "current_instance_group": group,
        "current_instance_group_hosts": list(groups.get(group, {}).get("hosts", [])),
        "instance_groups": list(groups),
        "instance_groups_dict": groups,
        "distribution_instance_groups": given.get("sagemaker_distribution_instance_groups", []),
        "is_hetero": len(groups) > 1,
        "module_name": Path(program.target).stem if program.kind == "script" else program.target,
        "module_dir": str(contract.code_dir),
        "log_level": given.get("sagemaker_container_log_level", 20),
        "input_dir": str(contract.base / "input"),
        "input_config_dir": str(contract.config_dir),
        "output_dir": str(contract.output_dir),
        "output_data_dir": str(contract.output_dir / "data"),
        "output_intermediate_dir": str(contract.output_dir / "intermediate"),
        "model_dir": str(contract.model_dir),
        "num_cpus": cpus,
        "num_gpus": gpus,
        "num_neurons": count_neuron_cores(contract.instance_type),
    }


def _as_given(program: Program, contract: Contract) -> str:
    """The program's name as the job has it: SM_MODULE_DIR holds a script's folder."""
    path = Path(program.target)
    return str(path.relative_to(contract.code_dir)) if path.is_relative_to(contract.code_dir) else program.target


def _training_env(values: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The same as one JSON object, under the names that the toolkit gives its attributes."""
    renamed = {"hps": "hyperparameters", "framework_params": "additional_framework_parameters"}
    left_out = {"user_args", "channels", "host_count", "current_host_rank", "master_addr", "master_port"}
    training_env = {renamed.get(key, key): value for key, value in values.items() if key not in left_out}
    training_env["channel_input_dirs"] = {name: str(contract.channel_dir(name)) for name in contract.channels}
    training_env["is_master"] = contract.host_rank == 0
    training_env["master_hostname"] = contract.hosts[0]
    training_env["job_name"] = os.environ.get("TRAINING_JOB_NAME", "")
    return training_env


def _both_spellings(name: str, value: str) -> dict[str, str]:
    """The toolkit keeps a hyphen, the SDK's newer drivers write an underscore: scripts exist for both."""
    upper = name.upper()
    return {upper: value, upper.replace("-", "_"): value}


def _encode(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | Written):
        return str(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
