"""The cloud that served a folder before: what it kept, where it listened, and how it ended. Standard library only."""

import json
import shutil
import socket
from pathlib import Path

from embedded.process import snapshot
from embedded.process.errors import CloudError

STATE_FILE = "state.json"
"""Of a process that answers; `down` removes it, a crash does not."""

PORT_FILE = "port"
"""The port stays: shells that were set up for it find the next cloud."""


def words_of(folder: Path) -> tuple[str, ...]:
    """What is to be said of the cloud before; raises where its state is there and cannot be read."""
    try:
        kept = snapshot.read(folder)
    except ValueError:
        raise CloudError(
            f"the state in {folder / snapshot.FILE} is damaged; `yard cloud up --fresh` starts anew, without it"
        ) from None
    if kept is not None and kept.code != snapshot.code():
        raise CloudError(
            f"the state in {folder / snapshot.FILE} was kept at {kept.time} by another version of the embedded cloud, "
            "of moto or of Python, and cannot be read; `yard cloud up --fresh` starts anew, without it"
        )
    found = () if kept is None else (f"What was kept at {kept.time} is there again.",)
    try:
        pid = json.loads((folder / STATE_FILE).read_text())["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return found
    lost = "nothing of it was kept" if kept is None else "what changed in its last seconds is lost"
    return (f"The cloud before this one (process {pid}) ended without `yard cloud down`: {lost}.", *found)


def port_for(folder: Path, wanted: int) -> tuple[int, tuple[str, ...]]:
    """The port to take, and what is to be said of it."""
    try:
        last = int((folder / PORT_FILE).read_text())
    except (OSError, ValueError):
        return wanted, ()
    if wanted != 0 or _is_free(last):
        return (last if wanted == 0 else wanted), ()
    return 0, (f"Another program has taken the last port, {last}: shells that were set up for it need the new one.",)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def forget(folder: Path) -> None:
    """Remove what a cloud has kept; its port and its secret stay, so that shells still reach the next one."""
    (folder / snapshot.FILE).unlink(missing_ok=True)
    for path in folder.glob("journal.*"):
        path.unlink()
    shutil.rmtree(folder / "objects", ignore_errors=True)
