"""What the environment says of this container, read once, with every problem at once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from contract import serving, variables
from contract.paths import local_path

Number = TypeVar("Number", int, float)


class SettingsError(Exception):
    """Variables that cannot be followed; the message has a line for each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One container's settings."""

    model_folder: Path
    """Where the model lies."""
    port: int = serving.PORT
    """Where the front listens."""
    host: str = "0.0.0.0"
    """The address that it listens at: SageMaker reaches the container from outside."""
    program: str = "inference.py"
    """The user's program in `code/`."""
    module: str = ""
    """The image's module that answers, if it brings one."""
    workers: int = 1
    """Processes that answer."""
    gpus: int = 0
    """GPUs that they share; each worker sees one."""
    limit_seconds: float = serving.INVOCATION_SECONDS
    """How long one invocation may take, and how long a stream may be silent."""
    startup_seconds: float = 600.0
    """How long the model may take to load."""
    drain_seconds: float = serving.STOP_SECONDS - 2
    """How long requests in flight may take after SIGTERM."""
    max_body: int = serving.MAX_BODY_MB << 20
    """The largest body in bytes."""
    accept: str = "application/json"
    """The content type of answers for which the client asks for none."""
    multi_model: bool = False
    """Whether models come and go over /models."""
    memory_bytes: int = 0
    """What all models of a multi-model container may take; 0: unlimited."""
    queue: int = 1024
    """Requests that may wait."""
    retries: int = 1
    """How often a request is tried again after its worker died."""
    batch: int | None = None
    """Requests that are answered at once; None: what the handler can."""
    slots: int = 8
    """Token streams that a worker advances together, or requests to an async program that it has under way."""
    ranks: int = 1
    """Processes that hold a model together, each a part of it."""
    load_in_worker: bool = False
    """Whether each worker loads the model itself."""
    metrics_seconds: float = 60.0
    """Seconds between two lines of metrics; 0: none."""
    log_requests: bool = False
    """Whether every request is logged, and not those alone that went wrong."""


@dataclass(kw_only=True, slots=True)
class _Reader:
    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def number(self, name: str, otherwise: Number, make: Callable[[float], Number]) -> Number:
        text = self.environ.get(name, "").strip()
        if not text:
            return otherwise
        limit = serving.NUMBERS[name]
        value = limit.read(text)
        if value is None:
            self.problems.append(f"{name} is {text!r} and must be {limit.says}")
            return otherwise
        return make(value)

    def choice(self, name: str, known: Mapping[str, bool]) -> bool:
        text = self.environ.get(name, "").strip().lower()
        if text not in known:
            words = ", ".join(word for word in known if word)
            self.problems.append(f"{name} is {text!r}; known: {words}")
        return known.get(text, False)


_LARGEST_MB = int(serving.NUMBERS[serving.PAYLOAD_VARIABLE].most)
_SWITCH = {"": False, "true": True, "1": True, "false": False, "0": False}
_VERBOSE_LEVEL = "10"
"""Python's number for DEBUG, which is how the official SDK writes a level."""


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment; raises SettingsError."""
    reader = _Reader(environ=environ)
    gpus = count_gpus(environ)
    ranks = reader.number(variables.SERVING_RANKS, 1, int)
    groups = (gpus or (count_cpus(environ) if ranks == 1 else ranks)) // ranks
    timeout = next((name for name in serving.TIMEOUT_VARIABLES if environ.get(name)), serving.TIMEOUT_VARIABLES[0])
    settings = Settings(
        model_folder=local_path(serving.MODEL_FOLDER, environ),
        host=environ.get(variables.SERVING_HOST) or "0.0.0.0",
        port=reader.number(serving.PORT_VARIABLE, serving.PORT, int),
        program=environ.get(serving.PROGRAM_VARIABLE) or "inference.py",
        module=environ.get(variables.SERVING_MODULE, ""),
        workers=reader.number(serving.WORKERS_VARIABLE, max(1, groups), int),
        gpus=gpus,
        limit_seconds=reader.number(timeout, serving.INVOCATION_SECONDS, float),
        startup_seconds=reader.number(serving.STARTUP_TIMEOUT_VARIABLE, 600.0, float),
        drain_seconds=reader.number(variables.SERVING_DRAIN_SECONDS, serving.STOP_SECONDS - 2, float),
        # 0 is what a batch transform without a limit sets
        max_body=(reader.number(serving.PAYLOAD_VARIABLE, serving.MAX_BODY_MB, int) or _LARGEST_MB) << 20,
        accept=environ.get(serving.ACCEPT_VARIABLE) or "application/json",
        multi_model=reader.choice(serving.MULTI_MODEL_VARIABLE, _SWITCH),
        memory_bytes=reader.number(variables.SERVING_MEMORY_MB, _memory_mb(), int) << 20,
        queue=reader.number(variables.SERVING_QUEUE, 1024, int),
        retries=reader.number(variables.SERVING_RETRIES, 1, int),
        batch=reader.number(variables.SERVING_BATCH, 0, int) or None,
        slots=reader.number(variables.SERVING_SLOTS, 8, int),
        ranks=ranks,
        load_in_worker=reader.choice(variables.SERVING_LOAD, serving.LOAD_WORDS),
        metrics_seconds=reader.number(variables.SERVING_METRICS_SECONDS, 60.0, float),
        log_requests=environ.get(serving.LOG_LEVEL_VARIABLE, "").upper() in ("DEBUG", _VERBOSE_LEVEL),
    )
    if Path(settings.program).name != settings.program or not settings.program.endswith(".py"):
        reader.problems.append(
            f"{serving.PROGRAM_VARIABLE} is {settings.program!r} and must name a Python file in code/, as inference.py"
        )
    if ranks > 1 and settings.multi_model:
        reader.problems.append(f"{variables.SERVING_RANKS} is {ranks}, and models of a multi-model container are whole")
    if gpus and ranks > gpus:
        reader.problems.append(f"{variables.SERVING_RANKS} is {ranks}, and there are {gpus} GPUs")
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return settings


def count_cpus(environ: Mapping[str, str] = os.environ) -> int:
    """The processors that this container may use."""
    given = environ.get(variables.CPUS, "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    allowed = len(os.sched_getaffinity(0))
    quota, _, period = _read_first("/sys/fs/cgroup/cpu.max").partition(" ")
    return max(1, min(allowed, int(quota) // int(period))) if quota.isdecimal() and period.isdecimal() else allowed


def count_gpus(environ: Mapping[str, str] = os.environ) -> int:
    """The NVIDIA GPUs that are visible, without touching CUDA: it could not be used after a fork."""
    if environ.get(variables.WITHOUT_GPUS) == "1":
        return 0
    shown = environ.get("CUDA_VISIBLE_DEVICES")
    if shown is not None:
        return len([word for word in shown.split(",") if word.strip() not in ("", "-1")])
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name.removeprefix("nvidia").isdecimal()])


def _memory_mb() -> int:
    """Nine tenths of what the container may take, in MB; the rest is for the front and for requests."""
    limit = _read_first("/sys/fs/cgroup/memory.max")
    own = int(limit) if limit.isdecimal() else 1 << 62
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(own, whole) * 9 // 10 >> 20)


def _read_first(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
