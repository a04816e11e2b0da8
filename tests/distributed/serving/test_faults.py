"""What goes wrong with workers costs no request that somebody else could still answer."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from contract import variables
from tests.support.serving.server import Load, children, started, until, write_program

QUICK = "def model_fn(f):\n    return 1\ndef predict_fn(data, model):\n    return data\n"
HANGS = """
import ctypes, json, time

def model_fn(folder):
    return 1

def predict_fn(data, model):
    if data[0] == 1:
        time.sleep(60)
    if data[0] == 2:
        ctypes.PyDLL(None).sleep(60)  # holds the interpreter's lock
    if data[0] == 3:
        import os
        os.kill(os.getpid(), 11)
    return data
"""


def test_workers_are_killed_under_load_and_no_request_is_lost(tmp_path: Path) -> None:
    with started(write_program(tmp_path, QUICK), {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}) as server:
        load = Load(server=server, body=b"[1, 2]")
        for _ in range(10):
            time.sleep(0.15)
            for pid in server.workers()[:1]:
                os.kill(pid, signal.SIGKILL)
        load.stop()
        assert load.broken == [] and load.refused == 0
        assert set(load.statuses) == {200} and len(load.statuses) > 100


def test_the_process_that_forks_is_killed_and_workers_go_on(tmp_path: Path) -> None:
    with started(write_program(tmp_path, QUICK)) as server:
        (zygote,) = children(server.process.pid)
        os.kill(zygote, signal.SIGKILL)
        assert server.ping() == 200
        assert server.invoke(b"[5]").json == [5]
        until(lambda: [pid for pid in children(server.process.pid) if pid != zygote] != [])
        until(lambda: "another is started" in server.log.read_text())


@pytest.mark.parametrize("what", [1, 2], ids=["lock-free", "lock-held"])
def test_a_hang_is_ended_at_the_limit_while_ping_answers(what: int, tmp_path: Path) -> None:
    with started(write_program(tmp_path, HANGS), {"SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "1.5"}) as server:
        answers: list[tuple[int, float]] = []

        def hang() -> None:
            began = time.monotonic()
            answers.append((server.invoke(f"[{what}]".encode()).status, time.monotonic() - began))

        thread = threading.Thread(target=hang)
        thread.start()
        time.sleep(0.3)
        pings = []
        while thread.is_alive():
            began = time.monotonic()
            assert server.ping() in (200, 503)
            pings.append(time.monotonic() - began)
            time.sleep(0.05)
        ((status, seconds),) = answers
        assert status == 504 and 1.5 <= seconds < 6
        assert max(pings) < 2, "the platform's limit"
        assert server.invoke(b"[7]").json == [7]


def test_a_request_that_always_kills_its_worker_is_given_up(tmp_path: Path) -> None:
    with started(write_program(tmp_path, HANGS)) as server:
        said = server.invoke(b"[3]")
        assert said.status == 500 and said.json["error"] == "the worker that had the request died"
        until(lambda: server.log.read_text().count("SIGSEGV") == 2)
        assert server.invoke(b"[4]").json == [4]


def test_a_handler_that_must_not_run_twice_does_not(tmp_path: Path) -> None:
    with started(write_program(tmp_path, HANGS), {variables.SERVING_RETRIES: "0"}) as server:
        assert server.invoke(b"[3]").status == 500
        assert server.invoke(b"[4]").json == [4], "another worker"
        assert server.log.read_text().count("SIGSEGV") == 1


@pytest.mark.slow
def test_told_to_stop_under_load_it_answers_everyone(tmp_path: Path) -> None:
    for _ in range(3):
        with started(write_program(tmp_path, QUICK), {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}) as server:
            load = Load(server=server, body=b"[1]", clients=8)
            time.sleep(0.4)
            assert server.stop() == 0
            load.stop()
            assert load.broken == [] and set(load.statuses) == {200}
            assert load.refused == 8 and len(load.statuses) > 50


def test_told_to_stop_it_waits_for_what_is_under_way(tmp_path: Path) -> None:
    slow = "import time\ndef model_fn(f): ...\ndef predict_fn(data, model):\n    time.sleep(1)\n    return data\n"
    with started(write_program(tmp_path, slow)) as server:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(server.invoke(b"[1]").status)) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.ping() == 503, "no new traffic, please"
        for thread in threads:
            thread.join()
        assert found == [200, 200] and server.process.wait(20) == 0
        assert '"requests": 2' in server.log.read_text(), "the last line of metrics"


def test_of_a_batch_one_bad_row_fails_alone(tmp_path: Path) -> None:
    batched = """
import numpy, time
BATCH = 8
def model_fn(folder):
    return []
def input_fn(data, content_type):
    import json
    return numpy.array(json.loads(data), dtype=float)
def predict_fn(rows, model):
    time.sleep(0.05)
    if (rows < 0).any():
        raise ValueError("negative")
    return numpy.column_stack([rows[:, 0], numpy.full(len(rows), len(rows))])
"""
    with started(write_program(tmp_path, batched)) as server:
        found: dict[int, tuple[int, object]] = {}

        def one(number: int) -> None:
            said = server.invoke(f"[[{number}, 0]]".encode())
            found[number] = (said.status, said.json)

        numbers = [*range(1, 12), -1]
        threads = [threading.Thread(target=one, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found.pop(-1)[0] == 500
        assert {number: answer[0] for number, answer in found.items()} == dict.fromkeys(range(1, 12), 200)
        assert all(answer[1][0][0] == number for number, answer in found.items())  # type: ignore[index]

        def batches() -> set[float]:
            threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return {answer[1][0][1] for answer in found.values()}  # type: ignore[index]

        assert max(batches()) > 1, "what waited was answered together"


def test_bodies_over_the_limit_and_requests_one_behind_the_other(tmp_path: Path) -> None:
    with started(write_program(tmp_path, QUICK), {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "1"}) as server:
        said = server.invoke(b"[" + b" " * (1 << 20) + b"]")
        assert said.status == 413 and "this container takes 1048576" in said.json["error"]
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            head = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            line.sendall(head + b"Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n")
            assert line.recv(99).startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"".join(head + b"Content-Length: 3\r\n\r\n[%d]" % number for number in range(5)))
            received = b""
            while received.count(b"HTTP/1.1 200") < 5 or not received.endswith(b"[4]"):
                received += line.recv(4096)
            assert [received.index(b"[%d]" % number) for number in range(5)] == sorted(
                received.index(b"[%d]" % number) for number in range(5)
            )
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"no HTTP at all\r\n\r\n")
            assert line.recv(99).startswith(b"HTTP/1.1 400")
