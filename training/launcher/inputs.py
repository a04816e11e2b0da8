"""What SageMaker puts under /opt/ml/input/config, as one frozen value."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from contract.hyperparameters import STRICT_JSON, decode_all
from contract.paths import base_folder
from training.launcher.endings.failure import LaunchError
from training.launcher.hosts import natural_order

_RESERVED_PREFIXES = ("sagemaker_", "_tuning_objective_metric")
"""What SageMaker's tools, the tuner among them, put beside the user's own hyperparameters."""


class Contract(NamedTuple):
    """One node's view of the training job."""

    base: Path
    """/opt/ml, or what stands in for it."""

    hyperparameters: Mapping[str, Any]
    """The user's hyperparameters with their types restored."""

    framework_parameters: Mapping[str, Any]
    """Hyperparameters that SageMaker's tools add, such as `sagemaker_region`: never arguments of the script."""

    channels: Mapping[str, Mapping[str, Any]]
    """inputdataconfig.json: each channel's mode and distribution."""

    resource: Mapping[str, Any]
    """resourceconfig.json as it is."""

    hosts: tuple[str, ...]
    """Every node's name in natural order: algo-10 comes after algo-9."""

    current_host: str
    """This node's name."""

    @property
    def host_rank(self) -> int:
        """This node's place among the hosts."""
        return self.hosts.index(self.current_host)

    @property
    def instance_type(self) -> str:
        """The instance type, or `local` outside SageMaker."""
        return str(self.resource.get("current_instance_type", "local"))

    @property
    def config_dir(self) -> Path:
        """Where SageMaker writes the three configuration files."""
        return self.base / "input" / "config"

    @property
    def model_dir(self) -> Path:
        """What lies here at the end becomes model.tar.gz."""
        return self.base / "model"

    @property
    def output_dir(self) -> Path:
        """Where the failure file and other outputs go."""
        return self.base / "output"

    @property
    def code_dir(self) -> Path:
        """Where the user's code lies once it is unpacked."""
        return self.base / "code"

    def channel_dir(self, name: str) -> Path:
        """Where one channel's files (or its pipes) are."""
        return self.base / "input" / "data" / name


def read_contract(environ: Mapping[str, str] = os.environ) -> Contract:
    """Read the three files; a missing one means an empty one, so that a bare `docker run` works too."""
    base = base_folder(environ)
    config = base / "input" / "config"
    resource = read_json(config / "resourceconfig.json")
    listed = resource.get("hosts", ["algo-1"])
    if not isinstance(listed, list) or not listed:
        raise LaunchError(f"resourceconfig.json must list at least one host, not {listed!r}")
    hosts = natural_order(listed)
    current = str(resource.get("current_host", hosts[0]))
    if current not in hosts:
        raise LaunchError(f"resourceconfig.json names {current!r} as this host, but the hosts are {', '.join(hosts)}")
    restored = decode_all(read_json(config / "hyperparameters.json"))
    return Contract(
        base=base,
        hyperparameters={key: value for key, value in restored.items() if not key.startswith(_RESERVED_PREFIXES)},
        framework_parameters={key: value for key, value in restored.items() if key.startswith(_RESERVED_PREFIXES)},
        channels=read_json(config / "inputdataconfig.json"),
        resource=resource,
        hosts=hosts,
        current_host=current,
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is no such file."""
    try:
        content = STRICT_JSON.decode(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LaunchError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise LaunchError(f"{path} must hold a JSON object, not {type(content).__name__}")
    return content
