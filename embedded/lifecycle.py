"""The embedded cloud's life: up, down, status, reset, and the variables that point aws, cdk and boto3 at it."""

import errno
import fcntl
import json
import os
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
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from embedded.process import engines, predecessor, snapshot
from embedded.process.engines import Engine
from embedded.process.environment import DEFAULT_ACCESS_KEY, of_process, refuse_real_credentials
from embedded.process.errors import CloudError
from embedded.process.held import holder
from embedded.process.predecessor import STATE_FILE

__all__ = ["DEFAULT_ACCESS_KEY", "CloudError", "holder", "refuse_real_credentials"]

DEFAULT_FOLDER = Path(".yard/cloud")
SECRET_FILE = "secret"
SECRET_HEADER = "X-Yard-Secret"
"""Opens the admin interface; a page of a browser cannot send it without asking first."""
READY_SECONDS = 120.0
"""A busy machine takes a minute to start it; one that has ended is told of at once."""
STOP_SECONDS = 20.0
_TAIL_LINES = 15


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


def up(
    folder: Path = DEFAULT_FOLDER,
    *,
    port: int = 0,
    project: Path | None = None,
    fresh: bool = False,
    allow_unisolated: bool = False,
    engine: Engine | None = None,
    environment: Mapping[str, str] = os.environ,
) -> CloudState:
    """Start the cloud and wait until it answers; a cloud that already runs is left alone.

    It finds again what the last one kept, unless it is to be `fresh`. Port 0 takes the last one's port, or a free one.
    `project` is the folder with containers/; None is the current folder. `allow_unisolated` lets functions run that are
    not the project's own, where nothing keeps them from the machine. `engine` says what nodes are: `process`, the
    default, or `docker`; a cloud that runs with another one is an error.
    """
    folder = folder.absolute()
    with _usable(folder), _locked(folder):
        running = find_running(folder)
        if running is not None:
            engines.refuse_another(running.engine, engine)
            return running
        refuse_real_credentials(environment)
        chosen_engine = engines.options(engine, environment)
        if fresh:
            predecessor.forget(folder)
        notes = predecessor.words_of(folder)
        _state_file(folder).unlink(missing_ok=True)
        chosen, note = predecessor.port_for(folder, port)
        root = Path.cwd() if project is None else project.absolute()
        options = ["--port", str(chosen), "--project", str(root), *chosen_engine]
        started = _start(folder, options + ["--allow-unisolated"] * allow_unisolated, environment)
        return replace(started, notes=notes + note)


def down(folder: Path = DEFAULT_FOLDER) -> bool:
    """Stop the cloud and wait until it is gone, with all that runs in it; False if none ran.

    A process that lives without answering is stopped too.
    """
    folder = folder.absolute()
    running = status(folder)
    pid = holder(folder) if running is None else running.pid
    try:
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not _gone(pid, STOP_SECONDS):
                os.kill(pid, signal.SIGKILL)
                _gone(pid, STOP_SECONDS)
        _state_file(folder).unlink(missing_ok=True)
    except (NotADirectoryError, ProcessLookupError):
        return False
    except PermissionError as error:
        raise CloudError(f"the embedded cloud in {folder} belongs to another user: {error}") from None
    return pid is not None


def last_kept(folder: Path = DEFAULT_FOLDER) -> str | None:
    """When the folder's last snapshot was taken, or None without one."""
    try:
        kept = snapshot.read(folder.absolute())
    except ValueError:
        return None
    return None if kept is None else kept.time


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
        state = json.loads(_state_file(folder.absolute()).read_text())
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


def reset(folder: Path = DEFAULT_FOLDER, *, project: Path | None = None) -> CloudState:
    """Forget everything in the cloud: a new process on the same port."""
    running = status(folder)
    port = 0 if running is None else running.port
    engine: Engine | None = "docker" if running is not None and running.engine == "docker" else None
    engines.options(engine, os.environ)  # refused before the one that runs is stopped
    down(folder)
    return up(folder, port=port, project=project, fresh=True, engine=engine)


def env(folder: Path = DEFAULT_FOLDER, *, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that point aws, cdk and boto3 at the running cloud, and away from everything real."""
    running = find_running(folder)
    if running is None:
        raise CloudError("the embedded cloud is not running: start it with `yard cloud up`")
    refuse_real_credentials(environment, running.endpoint)
    return variables(running, folder, environment)


def variables(
    running: CloudState, folder: Path, environment: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """What `env` prints. A shell that names an account (twelve digits as its access key) or a region keeps them."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return {
        "AWS_ENDPOINT_URL": running.endpoint,
        "AWS_ACCESS_KEY_ID": environment.get("AWS_ACCESS_KEY_ID") or DEFAULT_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": running.secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
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


def _start(folder: Path, options: list[str], environment: Mapping[str, str]) -> CloudState:
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


def _tail(log: Path, begin: int) -> str:
    """The last lines of this start."""
    with log.open(errors="replace") as file:
        file.seek(begin)
        return "\n".join(file.read().splitlines()[-_TAIL_LINES:])


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
    return folder / STATE_FILE


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
