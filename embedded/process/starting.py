"""The start of the cloud's process, and its end."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from embedded.process.environment import of_process
from embedded.process.errors import CloudError
from embedded.process.running import CloudState, status

READY_SECONDS = 120.0
"""A busy machine takes a minute to start it; one that has ended is told of at once."""
_TAIL_LINES = 15


def start(folder: Path, options: list[str], environment: Mapping[str, str]) -> CloudState:
    """Start it, and wait until it answers."""
    log = folder / "cloud.log"
    command = [
        sys.executable,
        "-P",  # the current folder is the user's: nothing in it may be imported in place of ours
        "-m",
        "embedded.server",
        *options,
        "--state",
        str(folder),
        "--log",
        str(log),
        "--confirm",
    ]
    began = time.monotonic()
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
            env=of_process(environment),
        )
    assert process.stdin is not None
    while time.monotonic() - began < READY_SECONDS:
        running = status(folder)
        if running is not None and running.pid == process.pid:
            process.stdin.write(b"confirmed\n")
            process.stdin.close()
            return replace(running, log=log, seconds=time.monotonic() - began)
        if process.poll() is not None:
            if shutil.disk_usage(folder).free == 0:
                raise CloudError(f"the embedded cloud cannot write to {folder}: there is no space left on its disk")
            how = f"exit {process.returncode}, after {time.monotonic() - began:.1f} s"
            raise CloudError(f"the embedded cloud ended before it answered ({how}); log: {log}\n{_tail(log, before)}")
        time.sleep(0.05)
    process.kill()
    raise CloudError(f"the embedded cloud was not ready within {READY_SECONDS:.0f} s; log: {log}\n{_tail(log, before)}")


def is_gone_within(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, at most so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            # reap it if it is our own child; otherwise signal 0 tells
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _tail(log: Path, begin: int) -> str:
    """The last lines of this start."""
    with log.open(errors="replace") as file:
        file.seek(begin)
        return "\n".join(file.read().splitlines()[-_TAIL_LINES:])
