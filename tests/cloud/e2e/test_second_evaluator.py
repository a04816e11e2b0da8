"""What the guard decided while a real project was deployed and trained, decided again by an evaluator of others."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from checks.iam import reference
from checks.iam.second_evaluator import answers
from embedded import lifecycle
from embedded.access.evaluation.decision import Question
from tests.cloud.conftest import ROOT, Cloud
from tests.support.access.evaluated_cases import simulation
from tests.support.cloud import house
from tests.support.cloud.in_process import until
from tests.support.cloud.own_project import JOB, make_project

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Every question that was asked, each once, after a deployment and a training with IAM enforced."""
    state, written = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("asked") / "questions"
    arguments = (written, "--state", state, "--log", state / "cloud.log", "--project", ROOT)
    program = ROOT / "tests/support/cloud/recording_server.py"
    with (state / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(program), *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "constructs")))},
            stdout=log,
            stderr=log,
        )
    try:
        running = until(lambda: lifecycle.status(state) or process.poll() is not None, lifecycle.READY_SECONDS)
        assert isinstance(running, lifecycle.CloudState), (state / "cloud.log").read_text()
        cloud = Cloud(state=running, folder=state)
        cloud.admin("enforce-iam", on=True)
        cloud.bootstrap()
        project = make_project(cloud, tmp_path_factory.mktemp("projects") / "recorded", email=house.EMAIL)
        project.succeed(JOB, {})
        yield [json.loads(line) for line in sorted(set(written.read_text(encoding="utf-8").splitlines()))]
    finally:
        process.terminate()
        process.wait(lifecycle.STOP_SECONDS)


def as_text(value: Any) -> Any:
    """A value of the context as requests carry it."""
    if isinstance(value, list):
        return [as_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def question_of(line: dict[str, Any]) -> Question:
    asked = dict(line["question"])
    asked["context"] = {key: as_text(value) for key, value in asked["context"].items() if value is not None}
    return Question(**asked)


def is_simulated(question: Question) -> bool:
    """Whether the other one can say anything: it knows no request without a resource, and no action that is none."""
    named = question.resource is not None and not question.is_anonymous and not question.principal.endswith(":root")
    return named and reference.action(question.action) is not None


def test_both_evaluators_decide_a_deployment_and_a_training_alike(recorded: list[dict[str, Any]]) -> None:
    lines = {json.dumps(line, sort_keys=True): line for line in recorded if is_simulated(question_of(line))}
    by_request = {
        (line["question"]["action"], line["question"]["principal"], line["question"]["resource"]): line
        for line in lines.values()
    }
    questions = [question_of(line) for line in by_request.values()]
    assert len(questions) > 300 and len({question.action for question in questions}) > 80
    theirs = answers([simulation(question) for question in questions])
    told = [
        (question.action, question.resource, question.principal, line["allowed"], said.get("result", said.get("error")))
        for question, line, said in zip(questions, by_request.values(), theirs, strict=True)
        if (said.get("result") == "Allowed") is not line["allowed"]
    ]
    assert told == []
