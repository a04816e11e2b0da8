"""docs/do/troubleshooting.md: where its messages stand in the code, and its table of rules."""

from collections.abc import Mapping
from pathlib import Path

from scripts.pages import marked
from scripts.pages.messages import Source, messages
from shardyard.spec.rules import RULES, Rule

PAGE = Path(__file__).parents[2] / "docs" / "do" / "troubleshooting.md"
_SPEC = "constructs/shardyard/spec"
_LAUNCH = "constructs/shardyard/handlers/launch"
_ENDINGS = "training/launcher/endings"

SECTIONS: Mapping[str, Source] = {
    "`yard` refuses": Source(
        paths=("yard", "embedded/lifecycle.py", "embedded/process"),
        calls=(("UserError", 0), ("NotDeployedError", 0), ("CloudError", 0)),
    ),
    "`yard doctor` finds something": Source(
        paths=("yard/account/doctor.py", "yard/account/checklist"), calls=(("Diagnosis", "says"), ("_person", 1))
    ),
    "`yard check` or `cdk synth` refuses a value": Source(
        paths=tuple(
            f"{_SPEC}/{name}"
            for name in (
                *(
                    "errors.py",
                    "tree/fields.py",
                    "tree/reading.py",
                    "tree/scalars.py",
                    "units.py",
                    "parameter.py",
                    "services.py",
                    "job_folder.py",
                ),
                "endpoint_folder.py",
                *("jobs", "settings", "requests", "tuning", "endpoints"),
            )
        ),
        calls=(("Problem", 1), ("ValueError", 0)),
        functions=("refusal",),
    ),
    "The preflight refuses a launch": Source(
        paths=(f"{_LAUNCH}/preflight",), calls=(("Problem", 1), ("RuntimeError", 0)), functions=("said", "_lacks")
    ),
    "The launcher does not start the program": Source(
        paths=("training/launcher", "training/submitted.py", "training/vault.py"),
        calls=(("LaunchError", 0), ("LaunchRefused", 0), ("Unreadable", 0), ("Unusable", 0)),
        functions=("of_store",),
    ),
    "The launcher says why a process ended": Source(
        paths=(_ENDINGS,), functions=("_cause", "describe_full", "hint", "_near", "_as_module")
    ),
    "The launcher says what it does": Source(
        paths=("training/launcher", "training/saves"),
        calls=(("say", 0), ("note", 0), ("Unreachable", 0)),
        functions=(
            "between_starts",
            "how_it_ended",
            "of_ranks",
            "nothing_saved",
            "not_in_s3",
            "no_place",
            "no_answer",
            "too_late",
            "missing_part",
        ),
        constants=("NOTHING_BEGUN", "SENT"),
    ),
    "A serving container does not start": Source(
        paths=("serving",), calls=(("Unservable", 0), ("CodeError", 0), ("LoadError", 0))
    ),
    "A serving container refuses a request": Source(paths=("serving",), calls=(("RequestError", 0),)),
    "The Spark container ends a job": Source(paths=("training/spark",), calls=(("SparkError", 0),)),
    "The run goes on, or ends": Source(
        paths=(f"{_LAUNCH}/classify",),
        calls=(("Step", "why"), ("replace", "why"), ("Failure", "message")),
        functions=("_ended",),
    ),
}
"""Each section of messages, and where the code has them."""

_RULES = Source(paths=(f"{_SPEC}/rules",), calls=(("Problem", 1),))
_ELSEWHERE = {"plan-fits-memory": Source(paths=(f"{_SPEC}/advise/layouts.py",), functions=("memory_problem",))}
"""Rules whose sentence another module makes."""


def as_markdown() -> str:
    """The page as it stands, with its table of rules written anew."""
    return marked.rewritten(PAGE, {"rules": rules})


def rules() -> str:
    """Every rule: its messages, why it is there and what must hold."""
    by_check: dict[str, list[str]] = {}
    for message in messages(_RULES):
        by_check.setdefault(message.place, []).append(message.text)
    rows = [
        f"| {name} | {_cell(_said(rule, by_check))} | {_cell([rule.reason], code=False)} | {rule.sentence} |"
        for name, rule in sorted(RULES.items())
    ]
    return "\n".join(["| rule | message | cause | what must hold |", "| --- | --- | --- | --- |", *rows])


def _said(rule: Rule, by_check: Mapping[str, list[str]]) -> list[str]:
    if rule.name in _ELSEWHERE:
        return [message.text for message in messages(_ELSEWHERE[rule.name])]
    return by_check[f"constructs/{rule.check.__module__.replace('.', '/')}.py: {rule.check.__name__}"]


def _cell(texts: list[str], *, code: bool = True) -> str:
    return "<br>".join(as_code(text) if code else text.replace("|", "\\|") for text in texts)


def as_code(text: str) -> str:
    """A message as a code span of a table's cell."""
    marks = "``" if "`" in text else "`"
    gap = " " if "`" in text else ""
    return f"{marks}{gap}{text.replace('|', chr(92) + '|')}{gap}{marks}"
