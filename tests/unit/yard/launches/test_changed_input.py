"""A run that is resumed keeps what it was launched with, but for what is given anew."""

import pytest

from shardyard.spec.errors import SpecError
from tests.support.launches import tiny
from yard.launches.launching import changed_input

EARLIER = {
    "hyperparameters": {"lr": 0.1, "epochs": 3},
    "arguments": ["train.py", "--lr", "0.1", "--fast"],
    "instance_count": 2,
    "source_sha256": "a" * 64,
}


def test_what_is_not_given_stays() -> None:
    assert changed_input(tiny(), EARLIER, {}, {}) == EARLIER
    assert changed_input(tiny(), {}, {}, {}) == {}


def test_one_hyperparameter_changes_and_the_others_stay() -> None:
    found = changed_input(tiny(), EARLIER, {"instance_count": 4}, {"lr": 0.01})
    assert found == EARLIER | {"hyperparameters": {"lr": 0.01, "epochs": 3}, "instance_count": 4}
    assert changed_input(tiny(), {}, {}, {"lr": 0.01}) == {"hyperparameters": {"lr": 0.01}}


def test_one_argument_changes_where_the_earlier_launch_had_it() -> None:
    found = changed_input(tiny(), EARLIER, {}, {}, ["--lr=0.01"])
    assert found["arguments"] == ["train.py", "--lr=0.01", "--fast"]
    assert changed_input(tiny(), EARLIER, {"arguments": ["other.py"]}, {})["arguments"] == ["other.py"]


def test_an_earlier_input_that_was_refused_is_refused_in_words() -> None:
    with pytest.raises(SpecError, match="hyperparameters"):
        changed_input(tiny(), {"hyperparameters": ["lr"]}, {}, {"lr": 0.01})
