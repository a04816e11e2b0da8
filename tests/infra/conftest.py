"""Synthesised apps for the tests of templates: each scenario once a session, and only when a test asks for it."""

import shutil
from collections.abc import Iterator

import pytest

import stacks  # noqa: F401
from checks.rules.model import Assembly
from checks.scenarios import Synthesised, contexts, synthesise
from tests.support.templates import Scenario
from tests.support.training_stack import Template, job, templates


@pytest.fixture(scope="session")
def scenario() -> Iterator[Scenario]:
    """Give a scenario's app by its name."""
    done: dict[str, Synthesised] = {}

    def find(name: str) -> Synthesised:
        if name not in done:
            done[name] = synthesise(contexts()[name])
        return done[name]

    yield find
    for synthesised in done.values():
        shutil.rmtree(synthesised.folder)


@pytest.fixture(scope="session")
def dev(scenario: Scenario) -> Assembly:
    """The default app."""
    return scenario("dev").assembly


@pytest.fixture(scope="session")
def prod(scenario: Scenario) -> Assembly:
    """The default app for prod."""
    return scenario("prod").assembly


@pytest.fixture(scope="session")
def everything(scenario: Scenario) -> Assembly:
    """The app with everything on."""
    return scenario("everything on").assembly


@pytest.fixture(scope="session")
def tiny() -> Template:
    """The training stack of one small job."""
    return templates([job()])["training"]
