"""The launcher as a command: what it says to bad words, and a SIGTERM that comes before anything else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.exit_codes import REFUSED
from training.launcher.sm_variables import count_gpus

ROOT = Path(__file__).parents[3]

EARLY_SIGTERM = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "training.launcher.supervise":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
sys.argv = ["launcher", "train"]
runpy.run_module("training.launcher", run_name="__main__", alter_sys=True)
"""


def run(words: list[str], base: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), **variables}
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


def test_sigterm_during_the_launchers_own_imports_is_an_interruption(tmp_path: Path) -> None:
    """As PID 1 it would be lost, and the job would train on until it is killed."""
    done = run(["-c", EARLY_SIGTERM], tmp_path, SHARDYARD_ENTRY="time")
    said = "launcher: interrupted: SIGTERM came before the program was started; exit 75\n"
    assert (done.returncode, done.stderr) == (75, said)


def test_unknown_words_are_refused_where_all_else_is_read(tmp_path: Path) -> None:
    done = run(["-m", "training.launcher", "sell"], tmp_path)
    assert done.returncode == 1
    assert (tmp_path / "output" / "failure").read_text() == "unknown arguments 'sell'; known: train, process"


def on(instance_type: str, base: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program on an instance of this type; the machine of a test has no GPU."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_instance_type": instance_type}))
    return run(["-m", "training.launcher", "train"], base, SHARDYARD_ENTRY="this", **variables)


@pytest.mark.skipif(count_gpus() > 0, reason="this machine has GPUs")
@pytest.mark.parametrize("launcher", ["plain", "torchrun", "mpirun"])
def test_gpus_that_the_container_does_not_see_are_refused_and_not_billed_in_vain(tmp_path: Path, launcher: str) -> None:
    done = on("ml.g5.12xlarge", tmp_path, SHARDYARD_LAUNCHER=launcher)
    assert done.returncode == REFUSED
    said = (tmp_path / "output" / "failure").read_text()
    assert said.startswith("ml.g5.12xlarge has 4 GPUs, and this container sees none: its image must set ")


@pytest.mark.parametrize(
    ("instance_type", "variables"),
    [("ml.m5.large", {}), ("ml.brand.new", {}), ("ml.g5.12xlarge", {"SHARDYARD_WITHOUT_GPUS": "1"})],
    ids=["no-gpus", "an-unknown-type", "the-embedded-cloud"],
)
def test_a_container_without_gpus_trains_where_there_are_none(
    tmp_path: Path, instance_type: str, variables: dict[str, str]
) -> None:
    assert on(instance_type, tmp_path, **variables).returncode == 0


def test_the_failure_file_is_written_when_nobody_reads_the_log(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "training.launcher", "sell"]
    done = subprocess.run(command, cwd=ROOT, env=environ, stderr=write, timeout=60)
    os.close(write)
    assert done.returncode == 1
    assert (tmp_path / "output" / "failure").read_text().startswith("unknown arguments")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "give one path: python -m training.launcher.bundle launcher.zip\n"),
        (["no/such/folder/launcher.zip"], 1, "the zip could not be written: [Errno 2] No such file or directory: "),
    ],
)
def test_the_bundles_command_says_what_it_needs(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    done = run(["-m", "training.launcher.bundle", *words], tmp_path)
    assert done.returncode == code
    assert done.stderr.startswith(said)
