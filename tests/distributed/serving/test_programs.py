"""The user's functions, as people have them, in a real container process."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.serving import CANNOT_SERVE, CUSTOM_ATTRIBUTES, INFERENCE_ID
from tests.support.serving.server import Server, started, until, write_program

PROGRAM = """
import asyncio, json, os, time

def model_fn(model_dir):
    return {"dir": model_dir, "pid": os.getpid()}

def input_fn(data, content_type):
    if content_type == "text/csv":
        return [float(word) for word in data.split(",")]
    return json.loads(data)

async def predict_fn(data, model, context):
    await asyncio.sleep(0)
    if data == "secret":
        raise KeyError("the password is hunter2")
    if isinstance(data, dict) and "stream" in data:
        return tokens(data["stream"], data.get("pause", 0))
    if isinstance(data, dict) and "fails_at" in data:
        return failing(data["fails_at"])
    context.set_response_header("X-Amzn-SageMaker-Custom-Attributes", "id=" + context.request_id)
    return {"sum": sum(data), "pid": os.getpid(), "loaded_in": model["pid"]}

def tokens(count, pause):
    for number in range(count):
        time.sleep(pause)
        open(os.environ["COUNT_FILE"], "a").write(".")
        yield {"token": number}

def failing(count):
    for number in range(count):
        yield b"x"
    raise ValueError("within the answer")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    base = write_program(tmp_path_factory.mktemp("program"), PROGRAM)
    with started(base, {"COUNT_FILE": str(base / "count"), "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}) as running:
        yield running


def test_the_functions_are_called_in_their_order_and_share_the_model(server: Server) -> None:
    said = server.invoke(b"1,2,3.5", "text/csv", X_Amzn_SageMaker_Inference_Id="abc")
    assert said.status == 200
    assert said.json["sum"] == 6.5
    assert said.json["loaded_in"] != said.json["pid"], "the model was loaded before the fork"
    assert said.headers[CUSTOM_ATTRIBUTES] == "id=abc"
    assert INFERENCE_ID not in said.headers


def test_of_an_exception_the_client_learns_the_class_and_the_log_the_rest(server: Server) -> None:
    said = server.invoke(b'"secret"', X_Amzn_SageMaker_Inference_Id="request-7")
    assert said.status == 500
    assert said.json["error"] == "the model failed: KeyError" and b"hunter2" not in said.body
    text = server.log.read_text()
    assert "request request-7 failed" in text and "hunter2" in text


def test_a_generator_streams(server: Server) -> None:
    said = server.invoke(json.dumps({"stream": 5}).encode())
    assert said.headers["Transfer-Encoding"] == "chunked"
    assert [json.loads(line)["token"] for line in said.body.splitlines()] == [0, 1, 2, 3, 4]


def test_an_answer_that_fails_half_way_does_not_look_whole(server: Server) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        server.invoke(json.dumps({"fails_at": 3}).encode())
    assert server.ping() == 200


def test_an_abandoned_stream_stops_at_its_next_part(server: Server) -> None:
    count = server.log.parent / "count"
    count.write_text("")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    body = json.dumps({"stream": 200, "pause": 0.01})
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.readline()
    answer.close()
    connection.close()
    time.sleep(1)
    made = len(count.read_text())
    time.sleep(1)
    assert made == len(count.read_text()) < 100
    assert server.invoke(b"[1]").status == 200


@pytest.mark.parametrize(
    "method, path, body, status, said",
    [
        ("GET", "/invocations", b"", 405, "POST"),
        ("POST", "/other", b"x", 404, "/ping, /invocations"),
        ("GET", "/models", b"", 404, "there is no /models"),
    ],
)
def test_what_is_no_call_of_the_contract(
    server: Server, method: str, path: str, body: bytes, status: int, said: str
) -> None:
    answer = server.ask(method, path, body)
    assert answer.status == status and said in answer.json["error"]


def test_batch_transform_learns_what_to_send(server: Server) -> None:
    found = server.ask("GET", "/execution-parameters").json
    assert found == {"MaxConcurrentTransforms": 16, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 100}


@pytest.mark.parametrize(
    "code, said",
    [
        ("def model_fn(folder):\n    raise OSError('no such weights')\n", "OSError: no such weights"),
        ("x = 1\n", "has none of the functions model_fn"),
        (
            "def predict_fn(d, m): ...\ndef transform_fn(m, d, c, a): ...\n",
            "does the work of predict_fn",
        ),
        ("def model_fn(folder):\n    return 3\n", "model_fn returns a int"),
        ("BATCH = 0\ndef model_fn(f): ...\ndef predict_fn(d, m): ...\n", "BATCH is 0"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_container_with_the_reason(code: str, said: str, tmp_path: Path) -> None:
    with started(write_program(tmp_path, code), wait=False) as server:
        assert server.process.wait(60) == CANNOT_SERVE
        assert said in server.log.read_text().splitlines()[-1], "the last lines become the FailureReason"


def test_a_folder_that_nothing_knows_is_refused_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.h6").write_text("")
    with started(tmp_path, wait=False) as server:
        assert server.process.wait(60) == CANNOT_SERVE
        assert "weights.h6" in server.log.read_text() and "write code/inference.py" in server.log.read_text()


def test_ping_answers_before_the_model_is_there_and_is_good_only_then(tmp_path: Path) -> None:
    slow = "import time\ndef model_fn(folder):\n    time.sleep(2)\n    return 1\ndef predict_fn(d, m):\n    return d\n"
    began = time.monotonic()
    with started(write_program(tmp_path, slow), wait=False) as server:
        seen = []

        def pings_good() -> bool:
            try:
                seen.append(server.ping())
            except ConnectionRefusedError:
                return False
            return seen[-1] == 200

        until(pings_good)
        assert time.monotonic() - began > 2
        assert set(seen) == {503, 200} and seen.index(200) == len(seen) - 1
