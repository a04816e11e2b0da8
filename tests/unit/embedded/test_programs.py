"""A definition is read once for all executions, and what it was read into is theirs together."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from embedded.services.stepfunctions.interpreter import programs

RETRIED = {
    "StartAt": "Try",
    "States": {
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "q", "MessageBody.$": "$.text"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
            "End": True,
        }
    },
}


def _program(definition: dict[str, Any]) -> Any:
    details = SimpleNamespace(state_machine_details=SimpleNamespace(definition=json.dumps(definition)))
    return ExecutionWorker._get_evaluation_entrypoint(SimpleNamespace(_evaluation_details=details))


def test_many_that_begin_together_read_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    parse = AmazonStateLanguageParser.parse

    def counted(text: str) -> Any:
        read.append(text)
        return parse(text)

    monkeypatch.setattr(AmazonStateLanguageParser, "parse", counted)
    definition = RETRIED | {"Comment": "read here alone"}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: _program(definition), range(24)))
    assert len(read) == 1
    assert len({id(program) for program in found}) == 1
    assert _program(RETRIED | {"Comment": "another"}) is not found[0]


def test_a_part_has_one_key_whoever_asks_first() -> None:
    retrier = _program(RETRIED).states.states["Try"].retry.retriers[0].max_attempts
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: retrier.heap_key, range(64)))
    other = _program(RETRIED | {"Comment": "of another"}).states.states["Try"].retry.retriers[0].max_attempts
    assert len(keys) == 1
    assert other.heap_key not in keys


def test_a_path_is_read_once() -> None:
    assert json_path.extract_json("$.a.b", {"a": {"b": 1}}) == 1
    before = json_path.parse.cache_info().hits
    assert json_path.extract_json("$.a.b", {"a": {"b": 2}}) == 2
    assert json_path.parse.cache_info().hits == before + 1


def test_what_is_kept_has_an_end() -> None:
    assert programs._read.cache_info().maxsize == programs._PROGRAMS
    assert json_path.parse.cache_info().maxsize == programs._PATHS
