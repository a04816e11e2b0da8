"""The cloud that runs: found by what its folder says, asked over its admin interface."""

import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embedded.process.errors import CloudError
from embedded.process.held import holder
from embedded.process.predecessor import STATE_FILE

DEFAULT_FOLDER = Path(".yard/cloud")
SECRET_FILE = "secret"
SECRET_HEADER = "X-Yard-Secret"
"""Opens the admin interface; a page of a browser cannot send it without asking first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudState:
    """A running cloud."""

    pid: int
    """The process."""

    port: int
    """The port on 127.0.0.1."""

    endpoint: str
    """What clients are pointed at."""

    log: Path
    """Where the process writes its log."""

    secret: str
    """The secret access key of the accounts' roots, which also opens the admin interface."""

    engine: str = "process"
    """What nodes are: `process` for cells of processes, `docker` for containers."""

    seconds: float = 0.0
    """How long `up` waited for it; 0 for one that already ran."""

    notes: tuple[str, ...] = ()
    """What `up` has to say of the start, in sentences: what was found again, and what was lost."""


def find_running(folder: Path = DEFAULT_FOLDER) -> CloudState | None:
    """The cloud that runs, or None; raises where its process lives and does not answer."""
    running = status(folder)
    pid = holder(folder) if running is None else None
    if pid is not None:
        raise CloudError(
            f"the embedded cloud's process {pid} lives but does not answer; see {folder.absolute() / 'cloud.log'}, "
            "and end it with `yard cloud down`"
        )
    return running


def status(folder: Path = DEFAULT_FOLDER) -> CloudState | None:
    """The cloud that runs, or None."""
    try:
        state = json.loads(state_file(folder.absolute()).read_text())
        found = CloudState(
            pid=int(state["pid"]),
            port=int(state["port"]),
            endpoint=state["endpoint"],
            log=Path(state["log"]),
            secret=(folder.absolute() / SECRET_FILE).read_text(),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # none was started, or the file is damaged or not for us to read: what it speaks of cannot be found by it
        return None
    try:
        answered = admin(found, "status", {})
    except CloudError:
        return None
    # another process may have been given the port since
    return replace(found, engine=answered.get("engine", "process")) if answered["pid"] == found.pid else None


def admin(running: CloudState, verb: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Call a verb of the cloud's own interface."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.port}/_yard/{verb}",
        data=json.dumps(params).encode(),
        headers={SECRET_HEADER: running.secret},
        method="POST",
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise CloudError(json.load(error).get("error", str(error))) from None
    except (OSError, json.JSONDecodeError) as error:
        raise CloudError(
            f"the embedded cloud does not answer at {running.endpoint} ({error}); see {running.log}"
        ) from None


def secret_of(folder: Path) -> str:
    """The secret of the folder's cloud, made at random by its first start; shells that have it outlive a restart."""
    try:
        descriptor = os.open(folder / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return (folder / SECRET_FILE).read_text()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(30)
        file.write(secret)
    return secret


def state_file(folder: Path) -> Path:
    """Where a cloud says of itself that it runs."""
    return folder / STATE_FILE
