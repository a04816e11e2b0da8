"""Models come and go in one container, and never take more memory than they may."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import variables
from contract.serving import MULTI_MODEL_VARIABLE
from tests.support.serving.server import Said, Server, started

CODE = """
import os
def model_fn(folder):
    if os.path.exists(folder + "/broken"):
        raise ValueError("broken on purpose")
    return open(folder + "/name").read(), bytearray(os.urandom(1 << 10)) * (8 << 10)
def predict_fn(data, model):
    return [model[0], data]
"""


def make(base: Path, name: str, *, files: tuple[str, ...] = ()) -> str:
    folder = base / "models" / name / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "inference.py").write_text(CODE)
    (folder / "name").write_text(name)
    (folder / "weights").write_bytes(b"\0" * (8 << 20))
    for file in files:
        (folder / file).write_text("")
    return str(folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with started(tmp_path, {MULTI_MODEL_VARIABLE: "true", variables.SERVING_MEMORY_MB: "60"}) as running:
        yield running


def load(server: Server, name: str, folder: str) -> Said:
    return server.ask("POST", "/models", json.dumps({"model_name": name, "url": folder}).encode())


def test_models_are_loaded_listed_invoked_and_unloaded(server: Server, tmp_path: Path) -> None:
    assert server.ping() == 200, "with no model: the platform loads them later"
    assert server.ask("GET", "/models").json == {"models": []}
    folder = make(tmp_path, "one")
    assert load(server, "one", folder).status == 200
    assert load(server, "one", folder).status == 409
    assert server.ask("GET", "/models/one").json == {"modelName": "one", "modelUrl": folder}
    said = server.ask("POST", "/models/one/invoke", b"[1]", Content_Type="application/json")
    assert said.json == ["one", [1]]
    assert server.ask("DELETE", "/models/one").status == 200
    assert server.ask("DELETE", "/models/one").status == 404
    assert server.ask("POST", "/models/one/invoke", b"[1]").status == 404
    broken = load(server, "two", make(tmp_path, "two", files=("broken",)))
    assert broken.status == 500 and "ValueError" in broken.json["error"] and "purpose" not in broken.json["error"]
    assert server.ask("POST", "/models", b"{}").status == 400
    assert load(server, "x", str(tmp_path / "nowhere")).status == 400


def test_what_does_not_fit_is_507_until_another_leaves(server: Server, tmp_path: Path) -> None:
    folders = {name: make(tmp_path, name) for name in ("a", "b", "c", "d", "e", "f", "g")}
    loaded = []
    for name, folder in folders.items():
        status = load(server, name, folder).status
        if status == 507:
            break
        assert status == 200
        loaded.append(name)
    else:
        pytest.fail("60 MB held seven models of 8 MB, each in a process of its own")
    assert len(loaded) >= 2
    answers: dict[str, object] = {}

    def invoke(each: str) -> None:
        answers[each] = server.ask("POST", f"/models/{each}/invoke", b"7", Content_Type="application/json").json

    threads = [threading.Thread(target=invoke, args=(each,)) for each in loaded]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {each: [each, 7] for each in loaded}
    assert server.ask("DELETE", f"/models/{loaded[0]}").status == 200
    assert load(server, name, folders[name]).status == 200, "there is room again"
