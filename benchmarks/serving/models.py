"""The models of the benchmark: a logistic regression, the digits' network, a GPT, and a program that hangs."""

import json
from dataclasses import asdict
from pathlib import Path

import joblib
import numpy
import torch
from sklearn.linear_model import LogisticRegression

from training.pytorch.models.gpt.model import GPT, GPTConfig
from training.pytorch.outputs import save_model
from training.pytorch.programs.mnist import Net

COLUMNS = 20
CONFIG = GPTConfig(vocabulary=256, layers=6, width=384, heads=6, kv_heads=6, hidden=1024, context=256)
_HANGS = """
import ctypes, time
def model_fn(folder): ...
def predict_fn(data, model):
    if data[0] == 1:
        time.sleep(60)
    if data[0] == 2:
        ctypes.PyDLL(None).sleep(60)
    return data
"""


def make(base: Path) -> dict[str, bytes]:
    """Save all of them; returns a request for each."""
    random = numpy.random.default_rng(0)
    values = random.normal(size=(300, COLUMNS))
    (base / "table" / "model").mkdir(parents=True)
    joblib.dump(LogisticRegression().fit(values, values[:, 0] > 0), base / "table" / "model" / "model.joblib")
    torch.manual_seed(0)
    digits = {"model": "training.pytorch.programs.mnist.Net", "width": 256}
    save_model(base / "digits" / "model", Net(256).state_dict(), digits)
    tokens = {"model": "training.pytorch.models.gpt.model.GPT", "config": asdict(CONFIG)}
    save_model(base / "tokens" / "model", GPT(CONFIG).state_dict(), tokens)
    code = base / "hangs" / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(_HANGS)
    return {
        "table": json.dumps(values[:1].round(6).tolist()).encode(),
        "digits": json.dumps(random.integers(0, 256, (1, 784)).tolist()).encode(),
        "tokens": json.dumps({"prompt": "Once upon a time", "max_new_tokens": 32}).encode(),
        "hangs": b"[0]",
    }
