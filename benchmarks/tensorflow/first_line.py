"""From the launcher's start to the first line of a user's script, and to the one behind its `import tensorflow`."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks._report import Figure
from benchmarks.tensorflow.interpreter import ROOT, interpreter

_SCRIPT = """
import os, time
os.write(1, f"AT first {time.time()}\\n".encode())
import tensorflow
os.write(1, f"AT imported {time.time()}\\n".encode())
"""
_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def first_line() -> list[Figure]:
    """In turns with the same script that is started by hand; of each the fastest."""
    by_hand: list[dict[str, float]] = []
    launched: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "first.py")
        script.write_text(_SCRIPT)
        for number in range(_ROUNDS):
            by_hand.append(_start([interpreter(), str(script)], dict(os.environ)))
            environ = _environ(Path(folder, str(number)), script)
            launched.append(_start([interpreter(), "-m", "training.launcher"], environ))
    hand, ours = (
        {event: min(one[event] for one in events) for event in ("first", "imported")} for events in (by_hand, launched)
    )
    return [
        Figure(name="first line: by hand", value=hand["first"], unit="s"),
        Figure(name="first line: launcher", value=ours["first"], unit="s"),
        Figure(name="TensorFlow imported: by hand", value=hand["imported"], unit="s"),
        Figure(name="TensorFlow imported: launcher", value=ours["imported"], unit="s"),
        Figure(
            name="TensorFlow imported: launcher / by hand",
            value=ours["imported"] / hand["imported"],
            unit="ratio",
            at_most=1.1,
        ),
    ]


def _start(command: list[str], environ: dict[str, str]) -> dict[str, float]:
    """Run; returns when each event was printed, in seconds from the start."""
    environ |= {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
    began = time.time()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=ROOT)
    lines = [line[line.index("AT ") :].split() for line in done.stdout.splitlines() if "AT " in line]
    if done.returncode or len(lines) != 2:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return {event: float(at) - began for _, event, at in lines}


def _environ(base: Path, script: Path) -> dict[str, str]:
    """One node of a job, with one worker."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    return {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(base),
        "SHARDYARD_ENTRY": str(script),
        "SHARDYARD_LAUNCHER": "tensorflow",
        "SHARDYARD_PROCESSES_PER_NODE": "1",
        "SHARDYARD_HOST_ADDRESSES": json.dumps({"algo-1": "127.0.0.1"}),
    }
