"""Lab 7: what its program breaks, and when it does not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
PROGRAM = Path(__file__).resolve().parents[3] / "labs/07-failures/code/steady.py"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "model").mkdir()
    return {
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SHARDYARD_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
        "SHARDYARD_RUN_ID": "run",
    }


def ran(environ: dict[str, str], **options: int) -> "subprocess.CompletedProcess[str]":
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(PROGRAM), "--step_seconds=0.05", "--checkpoint_steps=5", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_it_dies_in_its_first_start_alone_and_goes_on_from_its_save(environ: dict[str, str]) -> None:
    died = ran(environ, steps=20, dies_at=13)
    assert died.returncode == -9
    assert '"step": 12,' in died.stdout and '"step": 13,' not in died.stdout
    again = ran(environ, steps=20, dies_at=13)
    assert again.returncode == 0, again.stderr
    assert re.search(r"restored step (5|10) of run run from step-", again.stderr)
    assert '"step": 20,' in again.stdout


def test_a_full_disk_takes_a_save_and_no_step(environ: dict[str, str]) -> None:
    done = ran(environ, steps=20, disk_full_at=3, disk_full_steps=14)
    assert done.returncode == 0, done.stderr
    assert "save at step 5 failed: [Errno 27] File too large; training goes on" in done.stdout + done.stderr
    assert done.stdout.count('"step": ') == 20
    assert "disk has room again at step 17" in done.stdout
