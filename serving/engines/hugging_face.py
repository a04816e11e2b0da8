"""A folder as Hugging Face's `save_pretrained` leaves it: its configuration, tokenizer and weights, and no hub."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.refusal import RequestError
from serving.ask import Answer, Ask, Parts
from serving.codecs import kinds
from serving.codecs.decoding import parse_json
from serving.codecs.encoding import encode
from serving.engines.errors import Unservable, need

TASK_VARIABLE = "HF_TASK"
"""What AWS's containers of Hugging Face read too."""
_TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForMaskedLM": "fill-mask",
}


class PipelineHandler:
    """The pipeline that a model's configuration names, called with what the request has under `inputs`."""

    name = "Hugging Face"
    batch = 1
    many_records = False

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def answer(self, ask: Ask) -> Answer | Parts:
        """One call."""
        if kinds.named(ask.kind) != kinds.JSON:
            raise RequestError(f"inputs come as {kinds.JSON}, not {ask.kind!r}", 415)
        asked = parse_json(ask.body)
        if not isinstance(asked, dict) or "inputs" not in asked:
            raise RequestError('a request is {"inputs": ..., "parameters": {...}}')
        parameters = asked.get("parameters", {})
        if not isinstance(parameters, dict):
            raise RequestError("parameters must be an object")
        body, kind = encode(self._pipeline(asked["inputs"], **parameters), ask.accept, kinds.JSON)
        return Answer(body=body, kind=kind)

    def answer_many(self, asks: Sequence[Ask]) -> list[Answer | Parts]:
        """One by one."""
        return [self.answer(ask) for ask in asks]


def load(folder: Path) -> PipelineHandler:
    """The folder's pipeline, from its own files alone."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    transformers = need("transformers", "transformers", f"{folder.name}/config.json")
    path = str(folder)
    found = transformers.pipeline(_task(folder), model=path, tokenizer=path, trust_remote_code=False)
    return PipelineHandler(found)


def _task(folder: Path) -> str:
    """What the model is for: transformers itself would ask the hub."""
    given = os.environ.get(TASK_VARIABLE)
    if given:
        return given
    architectures = json.loads((folder / "config.json").read_text()).get("architectures") or [""]
    for ending, task in _TASKS.items():
        if architectures[0].endswith(ending):
            return task
    raise Unservable(
        f"config.json names the architecture {architectures[0]!r}, whose task is not known here: set {TASK_VARIABLE}, "
        "or write code/inference.py"
    )
