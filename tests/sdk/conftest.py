"""The deployed cloud of the cloud tests, and the SDK's own environment."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import bootstrapped_cloud, cloud, deployed_cloud, deployment, shipped

__all__ = ["bootstrapped_cloud", "cloud", "deployed_cloud", "deployment", "shipped"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
_OPT_OUT = "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n"


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a program of this folder with the real SDK; it knows nothing of AWS but what is given."""
    python = ROOT / ".venv-sdk/bin/python"
    if not python.exists():
        pytest.skip("there is no .venv-sdk here; make test-sdk makes it")
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "config.yaml").write_text(_OPT_OUT)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONPATH"))}
    kept["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(folder / "config.yaml")

    def run(program: str, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        command = [str(python), str(HERE / program), *arguments]
        return subprocess.run(command, cwd=folder, env=kept | env, capture_output=True, text=True, timeout=900)

    return run
