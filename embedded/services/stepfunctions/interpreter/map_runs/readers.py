"""JSON Lines, which moto's item reader does not know."""

import json
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader import item_reader_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_output_transformer.transformer import (  # noqa: E501
    ResourceOutputTransformer,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.input_type import InputType

from embedded import moto_patches

_LINES = "JSONL"
_moto_type = InputType.__init__
_moto_transformer = item_reader_decl.resource_output_transformer_for


class _Lines(ResourceOutputTransformer):  # type: ignore[misc]
    def _eval_body(self, env: Any) -> None:
        config = env.stack.pop()
        lines = [line for line in env.stack.pop().splitlines() if line.strip()]
        env.stack.append([json.loads(line) for line in lines[: config["MaxItemsValue"]]])


def _type(self: Any, input_type: str) -> None:
    if input_type == _LINES:
        self.input_type_value = _LINES
    else:
        _moto_type(self, input_type)


def _transformer(input_type: Any) -> Any:
    return _Lines() if input_type.input_type_value == _LINES else _moto_transformer(input_type)


def install() -> None:
    """Replace moto's parts."""
    moto_patches.replace(InputType, "__init__", _type, reason="it does not know JSON Lines")
    moto_patches.replace(
        item_reader_decl, "resource_output_transformer_for", _transformer, reason="it does not know JSON Lines"
    )
