"""The stacks that hold no jobs are those of stacks/, so that no job's stack takes the name of one."""

import ast
from pathlib import Path

from shardyard.spec.jobs.launched import STACKS_WITHOUT_JOBS

STACKS = Path(__file__).parents[3] / "stacks"


def parts() -> set[str]:
    """The constant second argument of `super().__init__` in each stack."""
    calls = [node for file in STACKS.glob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    return {
        str(call.args[1].value)
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "__init__"
        and len(call.args) > 1
        and isinstance(call.args[1], ast.Constant)
    }


def test_every_stack_of_the_project_keeps_its_name_from_jobs() -> None:
    assert len(parts()) > 3
    assert parts() == set(STACKS_WITHOUT_JOBS)
