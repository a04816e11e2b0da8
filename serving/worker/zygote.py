"""The process that loads the model once and forks workers, which share its memory.

TensorFlow hangs in a fork of a process that has a model, CUDA cannot be used in one, and other people's threads are
not in it: then this process only imports, and each worker loads.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from contract.serving import CANNOT_SERVE
from contract.variables import SERVING_LOAD
from serving import log
from serving.engines.choose import Served
from serving.settings import Settings, read
from serving.worker import code
from serving.worker.forks import Forks
from serving.worker.loading import LoadError, load_handler
from serving.worker.program import CodeError

_MESSAGE_BYTES = 1 << 16


def run(line: socket.socket) -> None:
    """Load what can be shared, then fork whenever the front asks, until the front is gone."""
    # The front alone decides on SIGTERM; a handler, unlike SIG_IGN, is not handed to what the model starts
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    settings = read()
    try:
        shared = None if settings.multi_model else _load_shared(settings, line)
    except LoadError as error:
        line.send(json.dumps({"problem": f"the model cannot be loaded: {error}"[:_MESSAGE_BYTES]}).encode())
        sys.exit(CANNOT_SERVE)
    if settings.multi_model:
        _import_frameworks()
    gc.collect()
    gc.freeze()
    forks = Forks(settings, line)
    line.send(b"{}")
    while True:
        data = line.recv(_MESSAGE_BYTES)
        if not data:
            os._exit(0)
        forks.make(json.loads(data), shared)


def _load_shared(settings: Settings, line: socket.socket) -> Served | None:
    """The handler, or None where each worker has to load its own."""
    try:
        code.install_requirements(settings.model_folder)
    except CodeError as error:
        raise LoadError(str(error)) from error
    before = set(sys.modules)
    if settings.ranks > 1:
        _import("torch")
    if settings.ranks > 1 or settings.load_in_worker or settings.gpus or _is_tensorflow(settings.model_folder):
        return None
    handler = load_handler(settings, settings.model_folder)
    reason = _why_not_forked(before)
    if reason is None:
        return handler
    log.say(f"{reason}, so each worker loads the model itself; {SERVING_LOAD}=worker says so from the start")
    os.set_inheritable(line.fileno(), True)
    command = [sys.executable, "-m", "serving.worker", str(line.fileno())]
    os.execve(sys.executable, command, {**os.environ, SERVING_LOAD: "worker"})


def _why_not_forked(before: set[str]) -> str | None:
    """What makes a fork of this process unsafe."""
    if "tensorflow" in sys.modules and "tensorflow" not in before:
        return "the model has brought TensorFlow, which hangs in a fork"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "the model is on a GPU, which a fork cannot use"
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return f"the model has started threads ({', '.join(others[:3])})" if others else None


def _is_tensorflow(folder: Path) -> bool:
    """Whether a folder without code holds a model of TensorFlow's: it can be imported here, and not loaded."""
    found = any(folder.glob("**/saved_model.pb")) or any(folder.glob("*.keras"))
    if found and not code.has_program(folder):
        _import("tensorflow")
    return found


def _import_frameworks() -> None:
    """What models of a multi-model container will import, so that all share it."""
    for name in ("numpy", "torch", "sklearn", "joblib", "xgboost"):
        _import(name)


def _import(name: str) -> None:
    try:
        __import__(name)
    except ImportError:
        return
