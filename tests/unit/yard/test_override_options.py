"""`yard train` has an option for every value of the table of overrides that has one, and reads it as the job would."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shardyard.spec.jobs.overridable import OVERRIDES
from tests.support.spec.spec_tables import make
from yard.errors import Exit, UserError
from yard.override_options import with_override_options, with_words

GIVEN = {
    "instance_type": ("ml.g6.xlarge", "ml.g6.xlarge"),
    "instance_count": ("4", 4),
    "max_runtime_seconds": ("1h30m", 5400),
    "cap_usd": ("20", 20.0),
    "processes_per_node": ("2", 2),
    "arguments": ("config.py --fast '--name=two words'", ("config.py", "--fast", "--name=two words")),
    "volume": ("1TB", 1024),
}
"""A text as a person types it, and what the execution's input gets."""


def overrides_of(*arguments: str) -> dict[str, Any]:
    """What a command that launches receives."""
    received: list[dict[str, Any]] = []

    def launch(job: str, *, overrides: dict[str, Any]) -> None:
        received.append(overrides)

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(with_override_options(launch))
    done = CliRunner().invoke(app, ["a-job", *arguments])
    if done.exception is not None:
        raise done.exception
    return received[0]


def test_every_option_of_the_table_is_read() -> None:
    options = [one for one in OVERRIDES if one.option is not None and one.metavar is not None]
    assert {one.name for one in options} == GIVEN.keys()
    for one in options:
        text, value = GIVEN[one.name]
        for option in filter(None, (one.option, one.alias)):
            assert overrides_of(option, text) == {one.name: value}


def test_count_is_also_called_nodes() -> None:
    assert overrides_of("--count", "3") == overrides_of("--nodes", "3") == {"instance_count": 3}


@pytest.mark.parametrize(("option", "value"), [("--spot", True), ("--on-demand", False)])
def test_a_switch_is_on_or_off(option: str, value: bool) -> None:
    assert overrides_of(option) == {"spot": value}


def test_what_is_not_given_is_not_overridden() -> None:
    assert overrides_of() == {}


def test_every_wrong_value_is_reported_with_its_option() -> None:
    with pytest.raises(UserError) as raised:
        overrides_of("--count", "0", "--max-runtime", "5x", "--instance", "")
    assert raised.value.code == Exit.USAGE
    assert raised.value.happened.splitlines() == [
        "--instance: '' is not allowed (a training instance type such as ml.g5.xlarge)",
        "--count: 0 is not allowed (1 or more)",
        '--max-runtime: \'5x\' is not a duration; write "90s", "20m", "4h", "1h30m" or "2d"',
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--it=80"], ["config.py", "--it=80", "--lr", "-0.5", "--fast", "--name", "a"]),
        (["--name=b"], ["config.py", "--it=40", "--lr", "-0.5", "--fast", "--name=b"]),
        (["--fast"], ["config.py", "--it=40", "--lr", "-0.5", "--fast", "--name", "a"]),
        (["--new=1", "--flag"], ["config.py", "--it=40", "--lr", "-0.5", "--fast", "--name", "a", "--new=1", "--flag"]),
        (["--lr=1"], ["config.py", "--it=40", "--lr=1", "--fast", "--name", "a"]),
    ],
)
def test_an_argument_is_set_where_it_stands_or_added(words: list[str], expected: list[str]) -> None:
    arguments = ["config.py", "--it=40", "--lr", "-0.5", "--fast", "--name", "a"]
    assert with_words(make(program={"entry": "train.py", "arguments": arguments}), None, words) == expected


def test_a_hyperparameter_is_no_argument() -> None:
    job = make(hyperparameters={"lr": 0.1})
    with pytest.raises(UserError, match="lr is a hyperparameter of job"):
        with_words(job, None, ["--lr=1"])


def test_words_that_no_shell_would_read_are_refused() -> None:
    with pytest.raises(UserError, match=r"--arguments: .* is not allowed \(No closing quotation\)"):
        overrides_of("--arguments", "--name='two")
