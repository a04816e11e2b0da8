"""What is put into moto's interpreter: once, when this package is imported."""

import logging

import moto.stepfunctions.models as simple_models
import moto.stepfunctions.parser.models as parser_models
from moto.core.config import default_user_config

from embedded import moto_patches
from embedded.services.stepfunctions.interpreter import (
    definitions,
    failures,
    map_runs,
    programs,
    queries,
    states,
    tasks,
    waits,
)

# its lines repeat what the execution's history says, with the whole program in each
logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)
# a setting of moto's
default_user_config["stepfunctions"] = {"execute_state_machine": True}
moto_patches.replace(
    simple_models,
    "stepfunctions_backends",
    parser_models.stepfunctions_parser_backends,
    reason="only the parser's machines run",
)
for part in (definitions, failures, map_runs, programs, queries, states, tasks, waits):
    part.install()
