"""The public toolkit, sagemaker-training, in its own virtual environment, to compare with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "5.1.4"
FOLDER = Path(__file__).parent.parent / ".venv-toolkit"

# What AWS's PyTorch containers do with it; the toolkit finds this through SAGEMAKER_TRAINING_MODULE
_TORCHRUN = """
from sagemaker_training import entry_point, environment, runner

def main():
    job = environment.Environment()
    entry_point.run(
        job.module_dir, job.user_entry_point, job.to_cmd_args(), job.to_env_vars(),
        capture_error=True, runner_type=runner.RunnerType.TorchDistributed,
    )
"""


def install() -> bool:
    """Make the virtual environment unless it exists; False, and why, if that fails."""
    if (FOLDER / "bin" / "train").exists():
        return True
    print(f"installing sagemaker-training {VERSION} into {FOLDER.name}", flush=True)
    pip = [str(FOLDER / "bin" / "pip"), "install", "--quiet", f"sagemaker-training=={VERSION}"]
    try:
        for command in ([sys.executable, "-m", "venv", str(FOLDER)], pip):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        print(f"left out: sagemaker-training {VERSION} could not be installed: {' '.join(said)}", flush=True)
        return False
    return True


def prepare(base: Path, script: Path, *, torchrun: bool) -> tuple[list[str], dict[str, str]]:
    """A command and its environment that run the script under the toolkit, in one process."""
    config, source = base / "input" / "config", base / "source"
    for folder in (config, base / "input" / "data", source):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(script, source)
    hyperparameters = {"sagemaker_program": script.name, "sagemaker_submit_directory": str(source)}
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "inputdataconfig.json").write_text("{}")
    (config / "resourceconfig.json").write_text(
        json.dumps({"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"})
    )
    environ = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "SAGEMAKER_BASE_DIR": str(base),
        # Its torchrun is that of this project's virtual environment, like the bare torchrun's
        "PATH": os.pathsep.join([str(FOLDER / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    if torchrun:
        (base / "toolkit_torchrun.py").write_text(_TORCHRUN)
        environ |= {"SAGEMAKER_TRAINING_MODULE": "toolkit_torchrun:main", "PYTHONPATH": str(base)}
    return [str(FOLDER / "bin" / "train")], environ
