"""Batches of a map's items: moto's grammar has no ItemBatcher, so it is taken out before, and kept beside."""

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded import moto_patches
from embedded.services.stepfunctions.interpreter.failures import runtime_failure
from embedded.services.stepfunctions.interpreter.map_runs.children import Children

_MOST_BYTES = 262_144
_PERCENTAGE = "ToleratedFailurePercentage"
_KEYS = {"MaxItemsPerBatch": "items", "MaxInputBytesPerBatch": "bytes", "BatchInput": "input"}
_moto_parse = AmazonStateLanguageParser.parse
_moto_from_props = StateMap.from_state_props
_moto_map_run = DistributedIterationComponent._map_run
_batchers: ContextVar[Mapping[str, Any] | None] = ContextVar("batchers", default=None)


def _parse(definition: str) -> Any:
    try:
        machine = json.loads(definition)
    except ValueError:
        return _moto_parse(definition)
    found = dict(_taken_out(machine, machine.get("QueryLanguage", "JSONPath") if isinstance(machine, dict) else ""))
    if not found and _PERCENTAGE not in definition:
        return _moto_parse(definition)
    token = _batchers.set(found)
    try:
        return _moto_parse(json.dumps(machine))
    finally:
        _batchers.reset(token)


def _taken_out(value: Any, language: str) -> Iterator[tuple[str, Any]]:
    """Each Map state's batcher, by the state's name: no two states of a machine have the same."""
    if isinstance(value, list):
        for item in value:
            yield from _taken_out(item, language)
    elif isinstance(value, dict):
        if isinstance(value.get(_PERCENTAGE), int):
            # the grammar takes 5.0, and not 5
            value[_PERCENTAGE] = float(value[_PERCENTAGE])
        for name, state in (value.get("States") or {}).items():
            if isinstance(state, dict) and state.get("Type") == "Map" and "ItemBatcher" in state:
                yield name, _evaluator(state.pop("ItemBatcher"), state.get("QueryLanguage", language))
        for item in value.values():
            yield from _taken_out(item, language)


def _evaluator(batcher: Mapping[str, Any], language: str) -> Any:
    """A Pass state that evaluates all fields of a batcher at once."""
    fields: dict[str, Any] = {}
    for name, value in batcher.items():
        path = name.removesuffix("Path") != name
        key = _KEYS[name.removesuffix("Path")]
        fields[f"{key}.$" if path else key] = value
    state = {"Type": "Pass", "End": True} | (
        {"QueryLanguage": "JSONata", "Output": fields} if language == "JSONata" else {"Parameters": fields}
    )
    program, _ = _moto_parse(json.dumps({"StartAt": "Batch", "States": {"Batch": state}}))
    return program.states.states["Batch"]


def _from_props(self: Any, props: Any) -> None:
    _moto_from_props(self, props)
    self.iteration_component.item_batcher = (_batchers.get() or {}).get(self.name)


def _map_run(self: Any, env: Any, eval_input: Any) -> None:
    items = env.stack.pop()
    record = eval_input.map_run_record
    record.children = Children(item_count=len(items))
    batcher = getattr(self, "item_batcher", None)
    if batcher is not None:
        items, record.batched = _batched(batcher, _selected(items, env, eval_input), env), True
        eval_input.item_selector = eval_input.parameters = None
    env.stack.append(items)
    _moto_map_run(self, env, eval_input)


def _selected(items: list[Any], env: Any, eval_input: Any) -> list[Any]:
    """The items as the selector makes them: they are put into batches afterwards."""
    selector = eval_input.item_selector if eval_input.item_selector is not None else eval_input.parameters
    if selector is None:
        return items
    selected = []
    for index, item in enumerate(items):
        frame = env.open_inner_frame()
        frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        given = env.states.get_input()
        frame.states.reset(input_value=given)
        frame.stack.append(given)
        selector.eval(frame)
        selected.append(frame.stack[-1])
        env.delete_frame(frame)
    return selected


def _batched(batcher: Any, items: list[Any], env: Any) -> list[Any]:
    frame = env.open_inner_frame()
    given = env.states.get_input()
    frame.states.reset(input_value=given)
    frame.stack.append(given)
    if batcher.output is not None:
        batcher.output.eval(frame)
        fields = frame.states.get_input()
    else:
        batcher.parameters.eval(frame)
        fields = frame.stack.pop()
    env.delete_frame(frame)
    most = _positive(fields.get("items"), "MaxItemsPerBatch", env)
    size = _positive(fields.get("bytes"), "MaxInputBytesPerBatch", env) or _MOST_BYTES
    common = {"BatchInput": fields["input"]} if "input" in fields else {}
    batches: list[list[Any]] = []
    for item in items:
        if batches and (most is None or len(batches[-1]) < most) and _bytes(common, [*batches[-1], item]) <= size:
            batches[-1].append(item)
        else:
            batches.append([item])
    return [{**common, "Items": batch} for batch in batches]


def _bytes(common: Mapping[str, Any], items: list[Any]) -> int:
    return len(to_json_str({**common, "Items": items}, separators=(",", ":")).encode())


def _positive(value: Any, name: str, env: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise runtime_failure(env, f"The field {name} must be a positive integer, and is {value!r}.")
    return int(value)


def install() -> None:
    """Replace moto's parts."""
    for owner, name, replacement in (
        (AmazonStateLanguageParser, "parse", staticmethod(_parse)),
        (StateMap, "from_state_props", _from_props),
        (DistributedIterationComponent, "_map_run", _map_run),
    ):
        moto_patches.replace(owner, name, replacement, reason="it knows no batches of items")
