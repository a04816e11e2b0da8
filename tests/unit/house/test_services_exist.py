"""Whatever the service map says serves a topic can be imported."""

import importlib
import importlib.util

import pytest

from shardyard.spec.services import PLANNED, SERVICES

SERVED = sorted({s.served_by for s in SERVICES if s.served_by != PLANNED and not s.served_by.startswith("none")})


def test_something_is_served() -> None:
    assert len(SERVED) > 5


@pytest.mark.parametrize("name", SERVED)
def test_what_serves_it_can_be_imported(name: str) -> None:
    parent, _, last = name.rpartition(".")
    if last[0].isupper():
        assert isinstance(getattr(importlib.import_module(parent), last), type)
    else:
        module = importlib.import_module(name)
        # a bare package would pass whatever it holds
        assert module.__file__ is not None and not module.__file__.endswith("__init__.py"), f"{name} is a whole package"
