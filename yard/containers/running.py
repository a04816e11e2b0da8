"""A serving container for a check: a folder of containers/ as a process, an image in docker, or one that runs."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

from contract.paths import BASE_VARIABLE
from contract.serving import ARGUMENT, MODEL_FOLDER, PORT, PORT_VARIABLE
from contract.variables import SERVING_HOST
from yard.errors import UserError

_POLL_SECONDS = 0.05


class Container(Protocol):
    """What a check needs of a running container."""

    host: str
    port: int

    def is_alive(self) -> bool:
        """Whether its process runs."""

    def stop(self, seconds: float) -> float | None:
        """Send SIGTERM, and return after how many seconds it was gone; None: not within `seconds`."""

    def last_lines(self) -> str:
        """The end of its log."""


class Running:
    """One that was started by somebody else: it is asked and not stopped."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # a port above 65535, or a half of an IPv6 address
            parts, port = urlsplit(""), None
        if parts.scheme != "http" or parts.hostname is None:
            raise UserError(f"{url} is no address of a container.", "Write http://HOST:PORT, as http://localhost:8080")
        self.host, self.port = parts.hostname, 80 if port is None else port

    def is_alive(self) -> bool:
        """Its process is not ours to see."""
        return True

    def stop(self, seconds: float) -> float | None:
        """It is not ours to stop."""
        raise NotImplementedError("a container that somebody else has started")

    def last_lines(self) -> str:
        """Its log is not ours to read."""
        return ""


class Process:
    """A folder of containers/ in its image's environment, its /opt/ml moved to a folder of its own."""

    host = "127.0.0.1"

    def __init__(self, dockerfile: Path, root: Path, model: Path, work: Path, variables: Mapping[str, str]) -> None:
        from embedded.nodes import image, image_environment

        found = image.read(dockerfile, root)
        python = image_environment.ensure(found.requirements)
        for source, target in found.copies:
            place = work / "root" / target.lstrip("/")
            if source.is_dir() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(source)
        (work / "ml").mkdir()
        (work / "ml" / "model").symlink_to(model.resolve())
        self.port = _free_port()
        moved = {name: value.replace("/opt/", f"{work}/root/opt/") for name, value in found.environment.items()}
        environ = {
            **moved,
            **variables,
            "PATH": f"{python}/bin:{os.environ['PATH']}",
            BASE_VARIABLE: str(work / "ml"),
            PORT_VARIABLE: str(self.port),
            SERVING_HOST: self.host,
        }
        self._log = work / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    shutil.which(found.entrypoint[0], path=environ["PATH"]) or found.entrypoint[0],
                    *found.entrypoint[1:],
                    ARGUMENT,
                ],
                env=environ,
                cwd=work / "ml",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def stop(self, seconds: float) -> float | None:
        """SIGTERM, as the platform sends it to process 1."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - began

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def close(self) -> None:
        """End whatever is left of it."""
        if self.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Docker:
    """An image of a container engine."""

    host = "127.0.0.1"

    def __init__(self, image: str, model: Path, variables: Mapping[str, str]) -> None:
        if shutil.which("docker") is None:
            raise UserError(
                f"{image} is no folder of containers/, and docker, which would run it as an image, is not installed.",
                "Name a folder of containers/, or start the container yourself and give its http://HOST:PORT",
            )
        mount = f"{model.resolve()}:{MODEL_FOLDER}:ro"
        given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        place = ("--publish", f"127.0.0.1::{PORT}", "--volume", mount)
        self._name = _docker("run", "--detach", *place, *given, image, ARGUMENT)
        self.port = int(_docker("port", self._name, str(PORT)).splitlines()[0].rpartition(":")[2])

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return _docker("inspect", "--format", "{{.State.Running}}", self._name) == "true"

    def stop(self, seconds: float) -> float | None:
        """SIGTERM to its process 1."""
        began = time.monotonic()
        _docker("kill", "--signal", "TERM", self._name)
        while time.monotonic() - began < seconds:
            if not self.is_alive():
                return time.monotonic() - began
            time.sleep(_POLL_SECONDS)
        return None

    def last_lines(self) -> str:
        """The end of its log."""
        return _docker("logs", "--tail", "5", self._name)

    def close(self) -> None:
        """Take it away."""
        _docker("rm", "--force", "--volumes", self._name)


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().partition("\n")[0]
        raise UserError(f"docker {words[0]} failed: {said}", "Start the engine, or pull the image first")
    return done.stdout.strip()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def run(
    target: str, root: Path, model: Path | None, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Container]:
    """The container of an address, of a folder of containers/, or of an image; one started here gets the variables."""
    if target.startswith(("http://", "https://")):
        yield Running(target)
        return
    with tempfile.TemporaryDirectory(prefix="yard-container-") as folder:
        given = Path(folder, "no-model") if model is None else model
        given.mkdir(exist_ok=True)
        places = [root / "containers" / target / "Dockerfile", Path(target) / "Dockerfile"]
        dockerfile = next((place for place in places if place.is_file()), None)
        container: Docker | Process
        if dockerfile is None:
            container = Docker(target, given, variables)
        else:
            container = Process(dockerfile, root, given, Path(folder), variables)
        try:
            yield container
        finally:
            container.close()
