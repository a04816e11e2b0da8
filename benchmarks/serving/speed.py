"""What a request costs: beside FastAPI and a bare loop, with and without batching, and in many streams."""

import http.client
import io
import json
import os
import subprocess
import sys
import time
import timeit
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy

from benchmarks._report import Figure
from benchmarks.serving import running
from benchmarks.serving.running import Server
from contract.variables import SERVING_BATCH
from serving.codecs.decoding import read_csv, read_npy

SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
_PEERS = Path(__file__).with_name("peers.py")


def peers_python(folder: Path) -> str | None:
    """An environment of its own with FastAPI, over this one's packages; None where pip cannot have it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "fastapi", "uvicorn", "uvloop", "httptools"]
    if subprocess.run(command, check=False).returncode:
        return None
    site = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "beside.pth").write_text(f"{site}\n")
    return python


def cost(server: Server, body: bytes, *, clients: int) -> tuple[float, float]:
    """Milliseconds of processor time per request, and requests per second."""
    before, began = server.cpu(), time.monotonic()
    seen = running.load(server.port, body, clients=clients, seconds=SECONDS)
    if seen.failed or not seen.seconds:
        raise RuntimeError(f"{seen.failed} requests failed, {len(seen.seconds)} were answered")
    count = len(seen.seconds)
    return 1000 * (server.cpu() - before) / count, count / (time.monotonic() - began)


def interleaved(servers: Sequence[Server], body: bytes, *, clients: int) -> list[tuple[float, float]]:
    """The cost of each, in turns, median of rounds."""
    found: list[list[tuple[float, float]]] = [[] for _ in servers]
    for _ in range(ROUNDS):
        for index, server in enumerate(servers):
            found[index].append(cost(server, body, clients=clients))
    return [(median(cpu for cpu, _ in rounds), median(rate for _, rate in rounds)) for rounds in found]


def light(base: Path, body: bytes) -> list[Figure]:
    """A model of a tenth of a millisecond."""
    model = str(base / "table" / "model" / "model.joblib")
    python = peers_python(base / "peers")
    with ExitStack() as stack:

        def start(command: list[str], port: int, environ: dict[str, str]) -> Server:
            return stack.enter_context(running.started(command, port, environ))

        def peer(kind: str, workers: int) -> Server:
            port = running.free_port()
            environ = {"BENCH_MODEL": model, "PYTHONPATH": str(_PEERS.parent)}
            return start([str(python), str(_PEERS), kind, str(port), str(workers), model], port, environ)

        two, one = (start(*running.ours(base / "table", workers=workers)) for workers in (2, 1))
        if python is None:
            raise RuntimeError("pip has no fastapi, uvicorn, uvloop and httptools: nothing to compare with")
        fastapi, bare = peer("fastapi", 2), peer("bare", 1)
        (ours, _), (theirs, _) = interleaved([two, fastapi], body, clients=8)
        (alone, _), (limit, _) = interleaved([one, bare], body, clients=8)
    return [
        Figure(
            name="light model, 2 workers: CPU per request, of FastAPI's", value=ours / theirs, unit="x", at_most=0.95
        ),
        Figure(
            name="light model, 1 worker: CPU per request, of a bare loop's", value=alone / limit, unit="x", at_most=1.9
        ),
    ]


def batches(base: Path, body: bytes) -> list[Figure]:
    """The digits' network with natural batching, and one request at a time."""
    with (
        running.started(*running.ours(base / "digits", workers=1)) as batched,
        running.started(*running.ours(base / "digits", workers=1, environ={SERVING_BATCH: "1"})) as single,
    ):
        (cpu, rate), (cpu_single, rate_single) = interleaved([batched, single], body, clients=8)
        (_, lone), (_, lone_single) = interleaved([batched, single], body, clients=1)
    return [
        Figure(
            name="network, batches of 8: rate of one by one, 8 clients",
            value=rate / rate_single,
            unit="x",
            at_least=1.4,
        ),
        Figure(
            name="network, batches of 8: CPU per request of one by one", value=cpu / cpu_single, unit="x", at_most=0.75
        ),
        Figure(
            name="network, batches of 8: rate of one by one, a lone client",
            value=lone / lone_single,
            unit="x",
            at_least=0.95,
        ),
    ]


def streams(base: Path, body: bytes) -> list[Figure]:
    """Eight requests for tokens at once, and one after the other."""
    with running.started(*running.ours(base / "tokens", workers=1)) as server:
        rates, costs = [], []
        for _ in range(ROUNDS):
            (cpu_alone, alone), (cpu, together) = (cost(server, body, clients=clients) for clients in (1, 8))
            rates.append(together / alone)
            costs.append(cpu_alone / cpu)
        most = {**json.loads(body), "max_new_tokens": 200, "stream": True}
        whole = _stream_cpu(server, json.dumps(most).encode(), parts=None)
        left = _stream_cpu(server, json.dumps(most).encode(), parts=1)
    return [
        Figure(name="tokens: 8 streams, rate of one after the other", value=median(rates), unit="x"),
        Figure(
            name="tokens: requests for the CPU of one alone, 8 streams", value=median(costs), unit="x", at_least=3.5
        ),
        Figure(
            name="tokens: CPU of a stream left after its first token", value=left / whole, unit="of whole", at_most=0.05
        ),
    ]


def _stream_cpu(server: Server, body: bytes, *, parts: int | None) -> float:
    """The processor time of ten streams, each read to its end or left early."""
    before = server.cpu()
    for _ in range(10):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if parts is None:
            answer.read()
        else:
            answer.readline()
        answer.close()
        connection.close()
        time.sleep(0.2)
    return server.cpu() - before


def codecs() -> list[Figure]:
    """Reading a row of CSV and a picture of .npy, beside the shortest way to do it by hand and numpy's own."""
    line = ",".join(f"{value:.4f}" for value in numpy.linspace(0, 1, 20)).encode()
    stream = io.BytesIO()
    numpy.save(stream, numpy.zeros((1, 784), numpy.float32))
    npy = stream.getvalue()

    def seconds(read: Callable[[], object]) -> float:
        return min(timeit.repeat(read, number=2000, repeat=9, timer=time.process_time))

    by_hand = seconds(lambda: numpy.array(line.split(b","), dtype=float))
    loaded = seconds(lambda: numpy.load(io.BytesIO(npy)))
    return [
        Figure(
            name="CSV of 20 columns, of a split by hand",
            value=seconds(lambda: read_csv(line)) / by_hand,
            unit="x",
            at_most=1.6,
        ),
        Figure(
            name=".npy of 784 numbers, of numpy.load",
            value=seconds(lambda: read_npy(npy)) / loaded,
            unit="x",
            at_most=0.2,
        ),
    ]
