"""What tests of built-in algorithms' stand-ins share: jobs, metrics as the service reads them, models that answer."""

import importlib
import json
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from contract.builtin import ALGORITHMS
from contract.variables import SERVING_MODULE
from serving.ask import Answer, Ask
from serving.settings import read
from serving.worker.loading import load_handler
from serving.worker.program import ProgramHandler
from training.builtin.__main__ import main


def write_job(base: Path, hyperparameters: dict[str, str], **channels: tuple[str, str]) -> None:
    """Write what SageMaker gives to a container; a channel is its content type and its text."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "inputdataconfig.json").write_text(
        json.dumps({name: {"ContentType": kind} for name, (kind, _) in channels.items()})
    )
    for name, (_, text) in channels.items():
        folder = base / "input" / "data" / name
        folder.mkdir(parents=True)
        (folder / "part-0").write_text(text)


def metric(algorithm: str, name: str, said: str) -> float:
    """A metric's last value, by the regular expression of the service."""
    found = re.findall(ALGORITHMS[algorithm].metrics[name], said)
    assert found, said
    return float(found[-1])


def trained(base: Path, algorithm: str, hyperparameters: dict[str, str], **channels: tuple[str, str]) -> Path:
    """The folder of a model that a stand-in has learnt."""
    write_job(base, hyperparameters, **channels)
    with mock.patch.dict(os.environ, {"SAGEMAKER_BASE_DIR": str(base)}):
        assert main([algorithm, "train"]) == 0, (base / "output" / "failure").read_text()
    return base / "model"


def served(algorithm: str, folder: Path, environ: Mapping[str, str] = {}) -> ProgramHandler:
    """What the runtime answers with in the algorithm's image."""
    with mock.patch.dict(os.environ, dict(environ)), mock.patch.object(os, "execv"):
        main([algorithm, "serve"])
        assert importlib.util.find_spec(os.environ[SERVING_MODULE]) is not None
        handler = load_handler(read(), folder)
    assert isinstance(handler, ProgramHandler)
    return handler


def said(handler: ProgramHandler, body: Any, kind: str = "application/json", accept: str = "") -> Answer:
    """The answer to one request; a body that is no bytes is sent as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = handler.answer(Ask(number=1, kind=kind, accept=accept, identity="1", headers={}, body=sent))
    assert isinstance(answer, Answer) and answer.status == 200
    return answer


def packed(number: int, content: bytes) -> bytes:
    """A field of protocol buffers with a length before it."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def record(values: list[float], label: float | None = None, *, keys: list[int] | None = None, width: int = 0) -> bytes:
    """A RecordIO frame, as the documentation of the format describes it."""
    tensor = packed(1, struct.pack(f"<{len(values)}f", *values))
    if keys is not None:
        tensor += packed(2, bytes(keys)) + packed(3, bytes([width]))
    content = packed(1, packed(1, b"values") + packed(2, packed(2, tensor)))
    if label is not None:
        content += packed(2, packed(1, b"values") + packed(2, packed(2, packed(1, struct.pack("<f", label)))))
    return struct.pack("<II", 0xCED7230A, len(content)) + content + bytes(-len(content) % 4)
