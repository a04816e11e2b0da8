"""A model in two processes: the tokens of one, half of the weights each, and a group that ends and comes back whole."""

import http.client
import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from contract import variables
from contract.serving import CANNOT_SERVE
from tests.support.serving.server import started, until, write_program
from training.pytorch.models.gpt.model import GPT, GPTConfig
from training.pytorch.outputs import save_model

CONFIG = GPTConfig(vocabulary=256, layers=2, width=64, heads=4, kv_heads=2, hidden=128, context=2048)


def greedy(model: GPT, prompt: str, count: int) -> list[int]:
    tokens = list(prompt.encode())
    with torch.inference_mode():
        for _ in range(count):
            tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[-count:]


@pytest.mark.slow
def test_a_model_in_two_processes(tmp_path: Path) -> None:
    torch.manual_seed(5)
    model = GPT(CONFIG).eval()
    about = {"model": "training.pytorch.models.gpt.model.GPT", "config": asdict(CONFIG)}
    save_model(tmp_path / "model", model.state_dict(), about)
    with started(tmp_path, {variables.SERVING_RANKS: "2"}) as server:
        group = server.workers()
        assert len(group) == 2
        for prompt in ("a", "to be or not"):
            asked = json.dumps({"prompt": prompt, "max_new_tokens": 12}).encode()
            assert server.invoke(asked).json["tokens"] == greedy(model, prompt, 12)
        text = server.log.read_text()
        for rank in (0, 1):
            assert f"rank {rank} of 2 holds 0.2 MB of weights and 4.2 MB of cache" in text

        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        long = {"prompt": "a", "max_new_tokens": 2000, "stream": True}
        connection.request("POST", "/invocations", json.dumps(long), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.readline()
        os.kill(group[1], signal.SIGKILL)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        until(lambda: len(server.workers()) == 2 and not set(server.workers()) & set(group), seconds=60)
        until(lambda: server.ping() == 200, seconds=90)
        assert server.invoke(b'{"prompt": "a", "max_new_tokens": 12}').json["tokens"] == greedy(model, "a", 12)


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    base = write_program(tmp_path, "def model_fn(f): ...\ndef predict_fn(d, m): ...\n")
    with started(base, {variables.SERVING_RANKS: "2"}, wait=False) as server:
        assert server.process.wait(60) == CANNOT_SERVE
        assert "a program has its model whole" in server.log.read_text()
