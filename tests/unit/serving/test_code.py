"""The user's functions and what stands in for those that are missing."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import joblib
import pytest
import torch
from sklearn.linear_model import LinearRegression

from contract.refusal import RequestError
from contract.serving import CUSTOM_ATTRIBUTES
from serving.ask import Answer, Ask, Parts
from serving.settings import Settings
from serving.worker.code import load_module, load_program
from serving.worker.loading import LoadError, load_handler
from serving.worker.program import CodeError, ProgramHandler


@pytest.fixture(autouse=True)
def _own_path() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("inference", None)


def program(folder: Path, code: str) -> ProgramHandler:
    (folder / "code").mkdir()
    (folder / "code" / "inference.py").write_text(code)
    return load_program(folder, Settings(model_folder=folder))


def ask(body: bytes, kind: str = "application/json", accept: str = "") -> Ask:
    return Ask(number=1, kind=kind, accept=accept, identity="id-1", headers={"x-amzn-sagemaker-a": "b"}, body=body)


def answered(handler: ProgramHandler, given: Ask) -> Answer:
    found = asyncio.run(handler.answer_later(given)) if handler.is_concurrent else handler.answer(given)
    assert isinstance(found, Answer)
    return found


def test_model_fn_alone_is_enough_for_a_model_that_is_known(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit([[1, 0], [0, 1], [1, 1]], [1, 2, 3]), tmp_path / "own.bin")
    handler = program(tmp_path, "import joblib\ndef model_fn(folder):\n    return joblib.load(folder + '/own.bin')\n")
    assert json.loads(answered(handler, ask(b"2,2\n0,1\n", "text/csv")).body) == pytest.approx([6, 2])


def test_predict_fn_alone_gets_the_folders_model_and_a_tensor(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), tmp_path / "model.pt")
    code = """
import torch
def predict_fn(data, model):
    assert data.dtype == torch.float32
    return model(data) * 0 + data.sum()
"""
    assert json.loads(answered(program(tmp_path, code), ask(b"[[1, 2]]")).body) == [[3.0]]


def test_transform_fn_gets_all_at_once_and_the_context(tmp_path: Path) -> None:
    code = f"""
def model_fn(folder):
    return "m"
def transform_fn(model, data, content_type, accept, context):
    context.set_response_header("{CUSTOM_ATTRIBUTES.lower()}", "a\\nb")
    seen = [model, data, content_type, accept, context.request_id, context.get_request_header(0, "X-Amzn-SageMaker-A")]
    return "|".join(seen), "text/plain"
"""
    found = answered(program(tmp_path, code), ask(b"1,2", "text/csv"))
    assert found.body == b"m|1,2|text/csv|application/json|id-1|b"
    assert (found.kind, dict(found.headers)) == ("text/plain", {CUSTOM_ATTRIBUTES: "a b"})


def test_bytes_stay_bytes_and_output_fn_sees_what_the_client_accepts(tmp_path: Path) -> None:
    code = """
def model_fn(folder): ...
def input_fn(data, kind):
    assert type(data) is bytes
    return data
async def predict_fn(data, model):
    return data[::-1]
def output_fn(found, accept):
    return found, accept
"""
    found = answered(program(tmp_path, code), ask(b"abc", "application/octet-stream", "image/x-own"))
    assert (found.body, found.kind) == (b"cba", "image/x-own")


def test_an_asynchronous_generator_streams_lines(tmp_path: Path) -> None:
    code = """
def model_fn(folder): ...
async def predict_fn(data, model):
    return made(data)
async def made(data):
    for n in data:
        yield {"n": int(n)}
"""

    async def parts(handler: ProgramHandler) -> list[bytes]:
        found = await handler.answer_later(ask(b"[3, 4]"))
        assert isinstance(found, Parts) and found.kind == "application/jsonlines"
        assert isinstance(found.parts, AsyncIterator)
        return [part async for part in found.parts]

    handler = program(tmp_path, code)
    assert handler.is_concurrent and asyncio.run(parts(handler)) == [b'{"n": 3}\n', b'{"n": 4}\n']


def test_a_header_that_does_not_reach_the_client_is_refused(tmp_path: Path) -> None:
    code = (
        "def model_fn(f): ...\ndef predict_fn(data, model, context):\n    context.set_response_header('X-Own', '1')\n"
    )
    with pytest.raises(ValueError, match="X-Own does not reach the client"):
        program(tmp_path, code).answer(ask(b"[1]"))


@pytest.mark.parametrize("code", ["BATCH = 4\ndef model_fn(f): ...\ndef transform_fn(m, d, k, a): ...\n", "y = 2\n"])
def test_a_program_that_cannot_be_used(code: str, tmp_path: Path) -> None:
    with pytest.raises(CodeError):
        program(tmp_path, code)


def test_a_text_that_is_none_and_a_type_of_two_lines(tmp_path: Path) -> None:
    code = """
def model_fn(folder): ...
def input_fn(data, kind):
    return data
def predict_fn(data, model):
    return data
def output_fn(found, accept):
    return found, "text/plain\\r\\nX-Own: 1"
"""
    handler = program(tmp_path, code)
    with pytest.raises(RequestError, match="byte 1 is not UTF-8"):
        handler.answer(ask(b"1\xff", "text/csv"))
    assert answered(handler, ask(b"1", "text/csv")).kind == "text/plain X-Own: 1"


def test_a_module_of_the_image_answers_for_models_with_and_without_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "doubled.py").write_text(
        "from pathlib import Path\n"
        "from contract.refusal import Refused, RequestError\n"
        "def model_fn(folder):\n"
        "    if not (Path(folder) / 'factor').is_file():\n"
        "        raise Refused('the model has no file factor')\n"
        "    return int((Path(folder) / 'factor').read_text())\n"
        "def transform_fn(model, data, kind, accept):\n"
        "    if not data.isdecimal():\n"
        "        raise RequestError(f'{data!r} is no number')\n"
        "    return str(model * int(data)), 'text/csv'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    settings = Settings(model_folder=folder, module="doubled")
    with pytest.raises(LoadError, match=r"^the model has no file factor$"):
        load_handler(settings, folder)
    (folder / "factor").write_text("3")
    (folder / "code").mkdir()
    (folder / "code" / "inference.py").write_text("raise RuntimeError('not the image, the model')")
    handler = load_handler(settings, folder)
    assert isinstance(handler, ProgramHandler) and handler.name == "doubled"
    assert answered(handler, ask(b"14", "text/csv")).body == b"42"
    with pytest.raises(RequestError, match="'x' is no number"):
        handler.answer(ask(b"x", "text/csv"))


def test_a_module_that_the_image_lacks_is_said(tmp_path: Path) -> None:
    with pytest.raises(CodeError, match=r"SHARDYARD_SERVING_MODULE is nowhere\.at_all, which cannot be imported"):
        load_module(tmp_path, Settings(model_folder=tmp_path, module="nowhere.at_all"))
