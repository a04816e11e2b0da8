"""docs/do/troubleshooting.md has a row for whatever the code can say, and no row for what it cannot."""

import re
from collections.abc import Mapping

import pytest

from scripts.pages.messages import Message, Source, messages
from scripts.pages.troubleshooting import PAGE, SECTIONS, as_code
from shardyard.handlers.launch.classify.failures import Kind
from shardyard.spec.rules import RULES
from yard.errors import Exit

TEXT = PAGE.read_text(encoding="utf-8")
_MESSAGE = re.compile(r"(?:`` .+? ``|`[^`]+`)")

PASSED_ON: Mapping[str, str] = {
    "constructs/shardyard/handlers/launch/classify/failures.py: _ended": "the service's own reason",
    "constructs/shardyard/handlers/launch/classify/failures.py: read_call": "the service's own words",
    "constructs/shardyard/handlers/launch/classify/failures.py: read_job": "what _ended says",
    "constructs/shardyard/handlers/launch/classify/index.py: _ended": "a record, not a sentence",
    "constructs/shardyard/handlers/launch/classify/next_step.py: decide": "what _final says",
    "constructs/shardyard/handlers/launch/preflight/candidates.py: find_candidates": "a quota's own sentence",
    "constructs/shardyard/handlers/launch/preflight/secrets.py: _lacks": "nothing, where the secret is there",
    "constructs/shardyard/handlers/launch/preflight/secrets.py: secret_problems": "what _lacks says",
    "constructs/shardyard/spec/endpoint_folder.py: _problems": "another problem, under its stage",
    "constructs/shardyard/spec/endpoint_folder.py: load_endpoints": "another problem, under its file",
    "constructs/shardyard/spec/job_folder.py: _problems": "another problem, under its stage",
    "constructs/shardyard/spec/job_folder.py: load_jobs": "another problem, under its file",
    "constructs/shardyard/spec/jobs/overrides.py: _refuse_what_cannot_apply": "a sentence of a table of its own",
    "constructs/shardyard/spec/requests/deployment.py: image_for": "what the rule image-variant says",
    "constructs/shardyard/spec/services.py: refusal": "nothing, where the service can be had",
    "constructs/shardyard/spec/settings/settings.py: _gone": "what the service map's refusal says",
    "constructs/shardyard/spec/tree/scalars.py: scalar": "what _convert and _outside say",
    "constructs/shardyard/spec/tree/reading.py: build": "the problem that a class raised",
    "embedded/process/running.py: admin": "the cloud's own answer",
    "training/launcher/endings/failure.py: write": "the failure's own sentence",
    "training/launcher/processing/run.py: _conclude": "the failure's own sentence",
    "training/launcher/endings/hints.py: _as_module": "nothing, where there is no hint",
    "training/launcher/endings/hints.py: _near": "nothing, where there is no hint",
    "training/launcher/endings/hints.py: hint": "nothing, where there is no hint",
    "training/launcher/main.py: _fetch_submitted": "what Unusable says",
    "training/launcher/secrets/fetch.py: fetch": "what Unreadable says",
    "training/launcher/leaving.py: _carry": "what Unreachable says",
    "training/saves/carry.py: carry": "what missing_part says",
    "training/saves/carry.py: missing_part": "nothing, where the save is whole",
    "training/saves/mirror.py: _told": "botocore's own words",
    "training/launcher/endings/interruption.py: of_ranks": "what how_it_ended says, for several ranks",
    "training/spark/submit.py: main": "what the launcher says of hosts",
    "yard/account/checklist/steps.py: _person": "what a step says",
    "yard/account/doctor.py: _node": "a version",
    "yard/account/doctor.py: _ok": "what is in order",
    "yard/account/doctor.py: examine": "an error that has a row of its own",
    "yard/commands/serving/deploy.py: _values": "what the parameter says of an address",
    "yard/errors.py: _explain_botocore": "botocore's sentence about a profile",
    "yard/errors.py: _explain_cloud": "a sentence of the embedded cloud",
    "yard/errors.py: _explain_disk": "the file's name and the system's own words",
    "yard/errors.py: explain": "problems, which have rows of their own",
    "yard/handin/kaggle.py: prepare": "what the artifacts say of an empty model",
    "yard/override_options.py: read_overrides": "problems of the value",
    "yard/runs/runs.py: all_runs": "the sentence of the only job",
    "embedded/process/engines.py: options": "why there is no daemon",
    "serving/worker/loading.py: load_handler": "what the engine or the program says",
    "serving/worker/zygote.py: _load_shared": "what the program says",
    "serving/engines/sampling.py: read": "all that is wrong at once, each in words of its own",
}
"""Who passes on what something else said, and so has no row."""


def is_opaque(message: Message) -> bool:
    """Whether it has no words of its own: it passes on what something else said."""
    return not re.search(r"[A-Za-z]{2}", message.text)


def section(title: str) -> str:
    """A section with its subsections."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """The first columns of the tables in a text, without their heads."""
    rows = re.findall(r"^\| (.+?) (?<!\\)\|", text, re.MULTILINE)
    return [row for number, row in enumerate(rows) if row != "---" and rows[number + 1 : number + 2] != ["---"]]


def written(text: str) -> list[str]:
    """The messages of a section by hand, as code spans."""
    by_hand = re.sub(r"<!-- table: .*?<!-- end -->", "", text, flags=re.DOTALL)
    return [found for cell in first_cells(by_hand) for found in _MESSAGE.findall(cell)]


def spoken(source: Source) -> list[str]:
    """The messages of the code, as code spans."""
    return list(dict.fromkeys(as_code(message.text) for message in messages(source) if not is_opaque(message)))


@pytest.mark.parametrize("title", SECTIONS)
def test_every_message_of_the_code_has_a_row(title: str) -> None:
    found, rows = spoken(SECTIONS[title]), written(section(title))
    assert len(found) > 5
    assert [text for text in found if text not in rows] == []


@pytest.mark.parametrize("title", SECTIONS)
def test_every_row_is_a_message_of_the_code(title: str) -> None:
    found, known = written(section(title)), spoken(SECTIONS[title])
    assert len(found) > 5
    assert [text for text in found if text not in known] == []
    assert len(found) == len(set(found))


def test_whoever_says_nothing_of_its_own_is_known_for_it() -> None:
    found = {message.place for source in SECTIONS.values() for message in messages(source) if is_opaque(message)}
    assert found == set(PASSED_ON)


def test_a_row_has_a_cause_and_a_fix() -> None:
    rows = re.findall(r"^\| .+ \|$", TEXT, re.MULTILINE)
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert len(cells) > 150
    assert [row for row in cells if len(row) not in (3, 4) or not all(cell.strip() for cell in row)] == []


def test_every_rule_has_a_row() -> None:
    table = section("`yard check` or `cdk synth` refuses a value").partition("<!-- table: rules -->")[2]
    assert first_cells(table) == sorted(RULES)


def test_every_exit_code_has_a_row() -> None:
    assert first_cells(section("`yard` ended with an exit code")) == [str(int(code)) for code in Exit]


def test_every_kind_of_failure_has_a_row() -> None:
    kinds = section("The run goes on, or ends").partition("### How an attempt ended\n")[2]
    assert first_cells(kinds) == [kind.value for kind in Kind]


def test_a_message_that_is_put_together_is_read_as_a_whole() -> None:
    preflight = SECTIONS["The preflight refuses a launch"]
    assert any(
        message.text.startswith("the worst case is ... USD and ... is ... USD") for message in messages(preflight)
    )
    assert not is_opaque(Message(text="the quota ...", place=""))
    assert is_opaque(Message(text="...: ...", place=""))
