"""The embedded cloud's life: up, down, status, reset, and the variables that point aws, cdk and boto3 at it."""

import errno
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from embedded.process import engines, predecessor, snapshot, starting
from embedded.process.engines import Engine
from embedded.process.environment import DEFAULT_ACCESS_KEY, refuse_real_credentials
from embedded.process.errors import CloudError
from embedded.process.held import holder
from embedded.process.running import DEFAULT_FOLDER, CloudState, admin, find_running, state_file, status
from embedded.process.starting import READY_SECONDS

__all__ = [
    "DEFAULT_ACCESS_KEY",
    "DEFAULT_FOLDER",
    "READY_SECONDS",
    "CloudError",
    "CloudState",
    "admin",
    "find_running",
    "holder",
    "refuse_real_credentials",
    "status",
]

STOP_SECONDS = 20.0


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
        state_file(folder).unlink(missing_ok=True)
        chosen, note = predecessor.port_for(folder, port)
        root = Path.cwd() if project is None else project.absolute()
        options = ["--port", str(chosen), "--project", str(root), *chosen_engine]
        started = starting.start(folder, options + ["--allow-unisolated"] * allow_unisolated, environment)
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
            if not starting.is_gone_within(pid, STOP_SECONDS):
                os.kill(pid, signal.SIGKILL)
                starting.is_gone_within(pid, STOP_SECONDS)
        state_file(folder).unlink(missing_ok=True)
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
