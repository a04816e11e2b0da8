"""A definition, and each path in it, is read once for all executions: reading takes longer than most of them run.

What is read is not changed by running it: moto runs one program in many threads itself, for the items of a map. Only
the key under which a part keeps its own values in an execution is made when it is first asked for.
"""

import functools
import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.utils import long_uid

from embedded import moto_patches

_PROGRAMS, _PATHS = 64, 1024
"""How many of each are kept."""
_KEY = "_EvalComponent__heap_key"
_reading = threading.Lock()


@functools.lru_cache(maxsize=_PROGRAMS)
def _read(definition: str) -> EvalComponent:
    program: EvalComponent = AmazonStateLanguageParser.parse(definition)[0]
    return program


def _entrypoint(self: Any) -> EvalComponent:
    """The machine's program; of many executions that begin together one reads it."""
    with _reading:
        return _read(self._evaluation_details.state_machine_details.definition)


def _heap_key(self: Any) -> str:
    """One key, whichever thread asks first."""
    key: str = self.__dict__.get(_KEY) or self.__dict__.setdefault(_KEY, long_uid())
    return key


def install() -> None:
    """Replace moto's parts."""
    moto_patches.replace(ExecutionWorker, "_get_evaluation_entrypoint", _entrypoint, reason="it reads at every start")
    moto_patches.replace(EvalComponent, "heap_key", property(_heap_key), reason="two threads may make two keys")
    for module in (json_path, result_path):
        kept = functools.lru_cache(_PATHS)(module.parse)
        moto_patches.replace(module, "parse", kept, reason="it makes a parser for each path of each state")
