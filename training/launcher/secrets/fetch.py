"""The secrets that a job names, read from Secrets Manager in the role's name before the ranks start.

No value leaves the node: a process of its own reads them, a pipe brings them here, and the ranks' environment has them.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from contract import secrets
from training.launcher.endings import failure
from training.launcher.secrets.redaction import hide
from training.launcher.supervise import Supervisor

_LOOK_SECONDS = 1.0


def fetch(
    supervisor: Supervisor, *, pause: Callable[[float], None], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The values by the names of their variables, hidden in logs from now on; `pause` waits, and raises on SIGTERM."""
    try:
        references = secrets.decode(environ)
    except ValueError as error:
        raise failure.LaunchRefused(str(error)) from error
    answer = _ask(supervisor, references, pause)
    if "refused" in answer:
        raise failure.LaunchRefused(answer["refused"])
    if "values" not in answer:
        why = answer.get("failed", "the process that reads them was killed")
        raise failure.LaunchError(
            f"[secrets] cannot be read: {why}; a job in the project's VPC reaches Secrets Manager through the "
            "interface endpoint secretsmanager (network.interface_endpoints)"
        )
    values: dict[str, str] = answer["values"]
    for name in hide(supervisor, values):
        failure.say(f"the value of {name} in [secrets] is too short to be hidden: what the program prints of it shows")
    return values


def _ask(
    supervisor: Supervisor, references: Mapping[str, secrets.Reference], pause: Callable[[float], None]
) -> dict[str, Any]:
    """Read them in a process of its own: it can be killed whatever it waits for, and this one imports no boto3."""
    read, write = os.pipe2(os.O_CLOEXEC)
    pieces: list[bytes] = []

    def on_piece() -> None:
        piece = os.read(read, 65536)
        if piece:
            pieces.append(piece)
        else:
            supervisor.unwatch(read)

    supervisor.private.add(read)
    child = supervisor.start("the reader of secrets", lambda: _answer(references, write))
    os.close(write)
    supervisor.watch(read, on_piece)
    try:
        while child.status is None:
            pause(_LOOK_SECONDS)
        supervisor.unwatch(read)
        while piece := os.read(read, 65536):
            pieces.append(piece)
    finally:
        supervisor.unwatch(read)
        supervisor.private.discard(read)
        os.close(read)
    answer: dict[str, Any] = json.loads(b"".join(pieces) or b"{}")
    return answer


def _answer(references: Mapping[str, secrets.Reference], write: int) -> int:
    from training import vault

    try:
        answer: dict[str, Any] = {"values": vault.read(references)}
    except vault.Unreadable as error:
        answer = {"refused": str(error)}
    except Exception as error:
        # botocore's, of a service that does not answer: their words hold addresses, and never a value
        answer = {"failed": str(error)}
    with os.fdopen(write, "wb") as pipe:
        pipe.write(json.dumps(answer).encode())
    return 0
