"""One model's container: started with `serve`, asked whether it is well, asked for inferences, stopped."""

import collections
import contextlib
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contract.requirements import FILE, names_packages
from embedded import clients
from embedded.nodes import image
from embedded.nodes.cell.network import INTERFACE
from embedded.nodes.engine import CONTAINER_ROOT, Attempt, AttemptSpec, Engine, NodeSpec
from embedded.nodes.folders import remove_folder
from embedded.nodes.logs import LogStream
from embedded.operations import ServiceError
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.serving.containers import model_files
from embedded.services.sagemaker.serving.containers.http import Answer, Client, Exchange, NoAnswer
from embedded.settings import current

PORT = 8080
PING_SECONDS = 2.0
START_SECONDS = 240.0
"""How long a container may take to its first healthy ping, where the request says nothing."""
GRACE_SECONDS = 30.0
"""From SIGTERM to SIGKILL."""
INVOCATION_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_TAIL_LINES = 8
_JOIN_SECONDS_MOST = 10.0
_HOST = "algo-1"
_BINDS_TO_PORT = "com.amazonaws.sagemaker.capabilities.accept-bind-to-port"


class NotWell(Exception):
    """The container cannot be started, has ended, or has not become healthy in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSpec:
    """What is started."""

    definition: Mapping[str, Any]
    """A ContainerDefinition: Image, ModelDataUrl, Environment and the rest."""
    role_arn: str
    """The model's execution role."""
    region: str
    log_group: str
    log_stream: str
    is_isolated: bool = False
    """Whether the container has no network."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the platform adds to the environment; the definition's own variables win."""


class ModelContainer:
    """A container in a cell of its own. `start`, `wait_until_well`, `post` and `get`, `stop`; in this order."""

    def __init__(self, spec: ContainerSpec, engine: Engine) -> None:
        self.spec, self._engine = spec, engine
        root = None if current.work_root is None else str(current.work_root)
        self.folder = Path(tempfile.mkdtemp(prefix="shardyard-serving-", dir=root))
        self._attempt: Attempt | None = None
        self._stream: LogStream | None = None
        self._tail: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)
        self._ended = threading.Event()
        self._port = PORT
        self.exit_code: int | None = None
        self.client = Client(self._connect)

    @property
    def ml(self) -> Path:
        """The container's /opt/ml on this machine."""
        return self.folder / _HOST / "ml"

    @property
    def root(self) -> str:
        """The container's /opt/ml as it sees it itself."""
        return CONTAINER_ROOT if self._engine.network_interface() == INTERFACE else str(self.ml)

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended, by itself or because it was stopped."""
        return self._ended.is_set()

    @property
    def program(self) -> int | None:
        """The program's process id; None while it does not run."""
        return None if self._attempt is None or self.has_ended else self._attempt.programs[_HOST]

    def s3(self) -> Any:
        """A client of S3 in the name of the model's role."""
        return execution_role.client(self.spec.role_arn, "s3", self.spec.region)

    def start(self) -> None:
        """Bring the model and start the program; `NotWell` says why it does not run."""
        definition = self.spec.definition
        try:
            model_files.fetch(self.s3(), definition, self.ml)
            self._engine.prepare(definition["Image"])
            self._run()
        except (model_files.ModelDataError, image.ImageError, OSError, ServiceError) as error:
            # whoever watches it starts it again, as after any other end
            self._ended.set()
            raise NotWell(str(error).removeprefix("ClientError: ")) from error

    def _run(self) -> None:
        spec, port = self.spec, urlsplit(clients.endpoint()).port
        endpoint = None if spec.is_isolated else f"http://{self._engine.cloud_host()}:{port}"
        node = NodeSpec(host=_HOST, folder=self.folder / _HOST, environment=self._variables(endpoint))
        listed = self.ml / model_files.MODEL / "code" / FILE
        brings = listed.is_file() and names_packages(listed.read_bytes())
        self._attempt = self._engine.start(
            AttemptSpec(
                folder=self.folder,
                image=spec.definition["Image"],
                entrypoint=None,
                arguments=["serve"],
                nodes=[node],
                cloud_port=None if spec.is_isolated else port,
                requirements=listed if brings else None,
            )
        )
        logs = execution_role.client(spec.role_arn, "logs", spec.region)
        output = self._attempt.outputs[_HOST]
        self._stream = LogStream(logs, spec.log_group, spec.log_stream, output, self._note)
        self._stream.start()
        threading.Thread(target=self._watch, args=(self._attempt,), name="exit of a model", daemon=True).start()

    def _variables(self, endpoint: str | None) -> dict[str, str]:
        spec = self.spec
        variables = {"AWS_REGION": spec.region, "AWS_DEFAULT_REGION": spec.region}
        if endpoint is not None:
            credentials = execution_role.variables(spec.role_arn, spec.region)
            variables |= {"AWS_ENDPOINT_URL": endpoint, **credentials}
        labels = image.load(spec.definition["Image"], current.project_root).labels
        if self._engine.network_interface() != INTERFACE:
            # without namespaces all containers share the machine's ports
            self._port = _free_port()
        if labels.get(_BINDS_TO_PORT) == "true" or self._port != PORT:
            variables |= {"SAGEMAKER_BIND_TO_PORT": str(self._port), "SAGEMAKER_SAFE_PORT_RANGE": "15000-16000"}
        if spec.definition.get("Mode") == "MultiModel":
            variables["SAGEMAKER_MULTI_MODEL"] = "true"
        return variables | dict(spec.variables) | dict(spec.definition.get("Environment", {}))

    def _watch(self, attempt: Attempt) -> None:
        for node_exit in attempt.exits():
            self.exit_code = node_exit.code
        self._ended.set()

    def _note(self, line: str, moment: float) -> None:
        if line.strip():
            self._tail.append(line.rstrip())

    def _connect(self, seconds: float) -> socket.socket:
        if self._attempt is None or self.has_ended:
            raise ConnectionRefusedError("the container does not run")
        return self._attempt.connect(_HOST, self._port, seconds)

    def is_well(self) -> bool:
        """Whether /ping answers 200 within two seconds."""
        with contextlib.suppress(NoAnswer):
            return self.client.ask("GET", "/ping", seconds=PING_SECONDS).status == 200
        return False

    def wait_until_well(self, seconds: float = START_SECONDS, *, check: Callable[[], None] = lambda: None) -> None:
        """Wait for the first healthy ping; `check` is called now and then and may raise."""
        end = time.monotonic() + seconds
        while not self.is_well():
            check()
            if self.has_ended:
                raise NotWell(f"The container ended with exit code {self.exit_code} before it was healthy.")
            if time.monotonic() > end:
                raise NotWell(f"The container did not pass the ping health check within {seconds:g} seconds.")
            self._ended.wait(_LOOK_SECONDS)

    def last_lines(self) -> str:
        """What the program printed last, for whoever asks why it is not well; waits for it once the program ended."""
        if self.has_ended and self._stream is not None:
            self._stream.join(_JOIN_SECONDS_MOST)
        return "\n".join(self._tail)

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        path: str = "/invocations",
        seconds: float = INVOCATION_SECONDS,
    ) -> Answer:
        """One inference, whole; `NoAnswer` or `TooLate` where there is none."""
        return self.client.ask("POST", path, body=body, headers=headers, seconds=seconds)

    def open(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        path: str = "/invocations",
        seconds: float = INVOCATION_SECONDS,
    ) -> Exchange:
        """One inference, whose body is read as it comes."""
        return self.client.send("POST", path, body=body, headers=headers, seconds=seconds)

    def get(self, path: str, *, seconds: float = PING_SECONDS) -> Answer:
        """What the container says at a path, such as /execution-parameters."""
        return self.client.ask("GET", path, seconds=seconds)

    def signal(self, number: int) -> None:
        """Send a signal to the program; SIGKILL ends the whole container."""
        if self._attempt is not None:
            self._attempt.signal(number)

    def stop(self, grace_seconds: float | None = None) -> None:
        """SIGTERM, half a minute to end in, then SIGKILL; the container's files are removed."""
        grace = min(GRACE_SECONDS, current.stop_grace_seconds) if grace_seconds is None else grace_seconds
        if self._attempt is not None:
            if grace:
                self._attempt.signal(signal.SIGTERM)
                self._ended.wait(grace)
            self._attempt.close()
            self._ended.wait(_JOIN_SECONDS_MOST)
        self.client.close()
        if self._stream is not None:
            self._stream.join(_JOIN_SECONDS_MOST)
        if self.folder.is_dir():
            remove_folder(self.folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
