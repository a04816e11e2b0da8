"""A folder of Hugging Face's is served by the pipeline that its configuration means, and asks no hub."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contract.refusal import RequestError
from serving.ask import Answer, Ask
from serving.engines import choose
from serving.engines.errors import Unservable
from serving.engines.hugging_face import TASK_VARIABLE
from serving.handler import Handler


def make(folder: Path, architecture: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The folder, and what stands for transformers; returns what the latter is asked for."""
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (folder / "model.safetensors").write_text("")
    asked: list[tuple[Any, ...]] = []

    def pipeline(task: str, **options: Any) -> Any:
        asked.append((task, options, os.environ.get("HF_HUB_OFFLINE")))
        return lambda inputs, **parameters: [{"label": inputs, "score": parameters.get("top_k", 1)}]

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(pipeline=pipeline))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return asked


def ask(body: bytes) -> Ask:
    return Ask(number=1, kind="", accept="", identity="i", headers={}, body=body)


def test_the_architecture_tells_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = make(tmp_path, "BertForSequenceClassification", monkeypatch)
    handler: Any = choose.load(tmp_path, accept="application/json", slots=1)
    options = {"model": str(tmp_path), "tokenizer": str(tmp_path), "trust_remote_code": False}
    assert asked == [("text-classification", options, "1")]
    served: Handler = handler
    found = served.answer(ask(b'{"inputs": "good", "parameters": {"top_k": 3}}'))
    assert isinstance(found, Answer) and json.loads(found.body) == [{"label": "good", "score": 3}]
    with pytest.raises(RequestError, match="a request is"):
        served.answer(ask(b"[1]"))


def test_an_unknown_architecture_needs_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = make(tmp_path, "OwnModel", monkeypatch)
    with pytest.raises(Unservable, match="'OwnModel', whose task is not known here: set HF_TASK"):
        choose.load(tmp_path, accept="application/json", slots=1)
    monkeypatch.setitem(os.environ, TASK_VARIABLE, "summarization")
    choose.load(tmp_path, accept="application/json", slots=1)
    assert [task for task, *_ in asked] == ["summarization"]
