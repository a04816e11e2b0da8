"""Start the ranks of a training benchmark on this machine, and return rank 0's result."""

import json
import os
import socket
import subprocess
import sys
from typing import Any


def run_ranks(module: str, case: str, world: int, *, seconds: float = 600, **variables: str) -> Any:
    """Run `python -m module case` as every rank of a world; returns the JSON of rank 0's last line."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []
    for rank in range(world):
        environ = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "RANK": str(rank),
            "WORLD_SIZE": str(world),
            "LOCAL_RANK": str(rank),
            "LOCAL_WORLD_SIZE": str(world),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            **variables,
        }
        command = [sys.executable, "-W", "ignore", "-m", module, case]
        started.append(
            subprocess.Popen(command, env=environ, stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL)
        )
    try:
        output, _ = started[0].communicate(timeout=seconds)
        codes = [process.wait(timeout=60) for process in started]
    finally:
        for process in started:
            process.kill()
    if any(codes):
        raise RuntimeError(f"{module} {case}: ranks ended with {codes}")
    return json.loads(output.decode().splitlines()[-1])
