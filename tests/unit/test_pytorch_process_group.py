"""Joining the ranks: what the environment lacks is said."""

import pytest

from training.pytorch.process_group import connect


def test_an_environment_that_names_only_some_of_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    message = "^RANK is set and WORLD_SIZE, MASTER_PORT are not: start with torchrun"
    with pytest.raises(ValueError, match=message), connect():
        pass
