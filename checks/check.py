"""`python -m checks`: synthesise every scenario and hold it against all that can refuse a template.

Our own rules, cfn-lint, three validators of state machines, AWS's authorization reference, four packs of cdk-nag, and
in a second process CDK's own validator.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("CDK_VALIDATION", "false")

from checks.asl import validators
from checks.asl.definitions import definition_of, definitions, whole_template
from checks.iam import authorization
from checks.iam.filled import Policy, policies
from checks.nag.acknowledgements import ACKNOWLEDGEMENTS
from checks.rules.check import check
from checks.scenarios import Synthesised, contexts, synthesise
from shardyard.spec.catalogue.idle_cost import idle_usd

STRICT = "--cdk-validator" in sys.argv
"""Whether this process runs CDK's own validator, which takes seconds per app: it checks two, beside the rest."""
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1")
"""Where every type and value of the templates must be known; the README says what other partitions lack."""
MOST_IDLE_USD = 6
"""The most that the default app may cost per month without training."""


def main() -> int:
    """Print what is wrong, one line each, and return the exit status."""
    if STRICT:
        return look_at([name for name in contexts() if name.startswith("everything on")])
    command = [sys.executable, "-m", "checks", "--cdk-validator"]
    beside = subprocess.Popen(command, env={**os.environ, "CDK_VALIDATION": "true"})
    status = look_at(list(contexts()))
    return beside.wait() or status


def look_at(names: list[str]) -> int:
    """Synthesise these scenarios and print every refusal."""
    done: dict[str, Synthesised] = {}
    try:
        for name in names:
            done[name] = synthesise(contexts()[name], strict=STRICT)
        problems = [*_problems(done), *_unused(done), *_too_dear(done)]
    finally:
        for one in done.values():
            shutil.rmtree(one.folder)
    for problem in problems:
        print(problem)
    stacks = sum(len(one.assembly.templates) for one in done.values())
    accepted = sum(len(one.nag.acknowledged) for one in done.values())
    how = "with CDK's validator" if STRICT else "with our rules, cfn-lint and four packs"
    print(f"{len(done)} apps {how}, {stacks} templates: {len(problems)} problems, {accepted} findings acknowledged")
    return 1 if problems else 0


def _problems(done: dict[str, Synthesised]) -> list[str]:
    found = [
        f"{name}: {finding}" for name, one in done.items() for finding in (*check(one.assembly), *one.nag.unexplained)
    ]
    templates = [str(path) for one in done.values() for path in sorted(one.folder.glob("*.template.json"))]
    if STRICT:
        return found
    documents = [policy for one in done.values() for policy in policies(one.assembly)]
    return [*found, *cfn_lint(templates), *asl(templates), *iam(documents)]


def _unused(done: dict[str, Synthesised]) -> list[str]:
    used = {entry for one in done.values() for entry in one.nag.used}
    return [
        f"acknowledgement {entry.rule} for {entry.where} covers nothing: remove it"
        for entry in ACKNOWLEDGEMENTS
        if entry not in used and entry.of_cdk is STRICT
    ]


def _too_dear(done: dict[str, Synthesised]) -> list[str]:
    """The default app bills little without training."""
    usd = idle_usd(done["dev"].assembly.templates) if "dev" in done else 0.0
    return [f"dev: it costs {usd:.2f} USD a month idle (at most {MOST_IDLE_USD})"] if usd > MOST_IDLE_USD else []


def asl(templates: list[str]) -> list[str]:
    """What three validators say of every state machine's definition, one line each."""
    found: dict[str, dict[str, Any]] = {}
    for template in templates:
        for name, definition in definitions(whole_template(Path(template))).items():
            if definition not in found.values():  # the apps share most of their machines
                found[f"{Path(template).name.removesuffix('.template.json')} {len(found)} {name}"] = definition
    return validators.problems(found)


def iam(documents: list[Policy]) -> list[str]:
    """What AWS's authorization reference says against these policies, one line each; the apps share most of them."""
    said = [line for document in documents for line in authorization.problems(document)]
    return [*dict.fromkeys(said), *authorization.unused(documents)]


def cfn_lint(templates: list[str]) -> list[str]:
    """cfn-lint's errors and warnings, one line each."""
    lint = Path(sys.executable).with_name("cfn-lint")
    with tempfile.TemporaryDirectory() as folder:
        filled = [copy for template in templates if (copy := _fill_in(Path(template), Path(folder)))]
        result = subprocess.run(
            [str(lint), "--regions", *REGIONS, "--format", "parseable", "--", *templates, *filled],
            capture_output=True,
            text=True,
            check=False,
        )
    return [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]


def _fill_in(template: Path, folder: Path) -> str | None:
    """Copy a template with state machines as they are once deployed; None without any.

    cfn-lint looks at a definition that is a plain text, and at no other. In the copy each is one.
    """
    content = whole_template(template)
    machines = [one for one in content["Resources"].values() if one["Type"] == "AWS::StepFunctions::StateMachine"]
    if not machines:
        return None
    for machine in machines:
        properties = machine["Properties"]
        definition = definition_of(machine)
        for state in definition["States"].values():
            if state["Type"] == "Succeed":
                state.pop("OutputPath", None)  # the language allows it; cfn-lint 1.58's schema forgot it
        properties["DefinitionString"] = text = json.dumps(definition)
        given = properties.get("DefinitionSubstitutions", {})
        properties["DefinitionSubstitutions"] = {name: value for name, value in given.items() if f"${{{name}}}" in text}
    copy = folder / f"{len(list(folder.iterdir()))}-{template.name}"
    copy.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return str(copy)


if __name__ == "__main__":
    sys.exit(main())
