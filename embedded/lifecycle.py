"""The embedded cloud's life: up, down, status, reset, and the variables that point aws, cdk and boto3 at it."""

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FOLDER = Path(".yard/cloud")
DEFAULT_ACCESS_KEY = "test"
SECRET_FILE = "secret"
SECRET_HEADER = "X-Yard-Secret"
"""Opens the admin interface; a page of a browser cannot send it without asking first."""
READY_SECONDS = 30.0
STOP_SECONDS = 20.0
_TAIL_LINES = 15

CREDENTIAL_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class CloudError(Exception):
    """The cloud cannot do what was asked; the message says why and what to do."""


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

    seconds: float = 0.0
    """How long `up` waited for it; 0 for one that already ran."""


def up(folder: Path = DEFAULT_FOLDER, *, port: int = 0, project: Path | None = None) -> CloudState:
    """Start the cloud and wait until it answers; a cloud that already runs is left alone. Port 0 takes a free one.

    `project` is the folder with containers/; None is the current folder.
    """
    folder = folder.absolute()
    with _usable(folder), _locked(folder):
        running = status(folder)
        if running is not None:
            return running
        _state_file(folder).unlink(missing_ok=True)
        return _start(folder, port, Path.cwd() if project is None else project.absolute())


def down(folder: Path = DEFAULT_FOLDER) -> bool:
    """Stop the cloud and wait until it is gone, with all that runs in it; False if none ran."""
    folder = folder.absolute()
    running = status(folder)
    try:
        _state_file(folder).unlink(missing_ok=True)
        if running is None:
            return False
        os.kill(running.pid, signal.SIGTERM)
    except NotADirectoryError:
        return False
    except PermissionError as error:
        raise CloudError(f"the embedded cloud in {folder} belongs to another user: {error}") from None
    if not _gone(running.pid, STOP_SECONDS):
        os.kill(running.pid, signal.SIGKILL)
        _gone(running.pid, STOP_SECONDS)
    return True


def status(folder: Path = DEFAULT_FOLDER) -> CloudState | None:
    """The cloud that runs, or None."""
    try:
        state = json.loads(_state_file(folder.absolute()).read_text())
        found = CloudState(
            pid=int(state["pid"]),
            port=int(state["port"]),
            endpoint=state["endpoint"],
            log=Path(state["log"]),
            secret=(folder.absolute() / SECRET_FILE).read_text(),
        )
    except (OSError, ValueError, KeyError, TypeError):
        # none was started, or the file is damaged or not for us to read: what it speaks of cannot be found by it
        return None
    try:
        answered = admin(found, "status", {})
    except CloudError:
        return None
    # another process may have been given the port since
    return found if answered["pid"] == found.pid else None


def reset(folder: Path = DEFAULT_FOLDER, *, project: Path | None = None) -> CloudState:
    """Forget everything in the cloud: a new process on the same port."""
    running = status(folder)
    port = 0 if running is None else running.port
    down(folder)
    return up(folder, port=port, project=project)


def env(folder: Path = DEFAULT_FOLDER, *, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that point aws, cdk and boto3 at the running cloud, and away from everything real."""
    running = status(folder)
    if running is None:
        raise CloudError("the embedded cloud is not running: start it with `yard cloud up`")
    refuse_real_credentials(environment, running.endpoint)
    return variables(running, folder)


def variables(running: CloudState, folder: Path) -> dict[str, str]:
    """What `env` prints, without a look at the shell that asks."""
    return {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_ACCESS_KEY_ID": DEFAULT_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": running.secret,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # some operations would ask for "sync-localhost" and the like, which no name server knows
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        # the CLI remembers which account a key belongs to, in a file of the user's: not here
        "CDK_HOME": str(folder.absolute() / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        # the CLI would look on the internet for news before each command
        "CDK_NOTICES": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def refuse_real_credentials(environment: Mapping[str, str], endpoint: str) -> None:
    """Raise if this shell holds something that could reach a real account beside the exports."""
    found = [name for name in CREDENTIAL_VARIABLES if environment.get(name)]
    key = environment.get("AWS_ACCESS_KEY_ID", DEFAULT_ACCESS_KEY)
    if key != DEFAULT_ACCESS_KEY and not re.fullmatch(r"\d{12}", key):
        found += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    found += [
        name
        for name, value in sorted(environment.items())
        if name.startswith("AWS_ENDPOINT_URL_") and value and value != endpoint
    ]
    if found:
        raise CloudError(
            f"this shell could reach a real AWS account through {', '.join(found)}; "
            f"run `unset {' '.join(found)}` first, or use another shell"
        )


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


def _start(folder: Path, port: int, project: Path) -> CloudState:
    log = folder / "cloud.log"
    command = [
        sys.executable,
        "-P",  # the current folder is the user's: nothing in it may be imported in place of ours
        "-m",
        "embedded.server",
        "--port",
        str(port),
        "--state",
        str(folder),
        "--project",
        str(project),
        "--log",
        str(log),
    ]
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    while time.monotonic() - began < READY_SECONDS:
        running = status(folder)
        if running is not None and running.pid == process.pid:
            return CloudState(
                pid=running.pid,
                port=running.port,
                endpoint=running.endpoint,
                log=log,
                secret=running.secret,
                seconds=time.monotonic() - began,
            )
        if process.poll() is not None:
            if shutil.disk_usage(folder).free == 0:
                raise CloudError(f"the embedded cloud cannot write to {folder}: there is no space left on its disk")
            raise CloudError(f"the embedded cloud ended at once (exit {process.returncode}); log: {log}\n{_tail(log)}")
        time.sleep(0.05)
    process.kill()
    raise CloudError(f"the embedded cloud was not ready within {READY_SECONDS:.0f} s; log: {log}\n{_tail(log)}")


def _gone(pid: int, seconds: float) -> bool:
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


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


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


def _state_file(folder: Path) -> Path:
    return folder / "state.json"


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """The folder, made if need be; one that cannot be used is said by its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # what is in it is the owner's alone: the secret, the log, the code of functions
        folder.chmod(0o700)
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            why = "there is no space left on its disk"
        else:
            why = f"{error.strerror} ({error.filename})"
        raise CloudError(f"the embedded cloud cannot use the folder {folder}: {why}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two shells may say `up` at the same moment: the second waits and finds the first one's cloud."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
