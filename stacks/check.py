"""`python -m stacks.check`: synthesise every scenario and hold it against all that can refuse a template.

Our own rules, cfn-lint, four packs of cdk-nag and, unless CDK_VALIDATION says false, CDK's own validator.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("CDK_VALIDATION", "true")

from shardyard.security.acknowledgements import ACKNOWLEDGEMENTS
from shardyard.template_rules.check import check
from stacks.scenarios import Synthesised, contexts, synthesise


def main() -> int:
    """Print what is wrong, one line each, and return the exit status."""
    strict = os.environ["CDK_VALIDATION"] == "true"
    done: dict[str, Synthesised] = {}
    try:
        for name, context in contexts().items():
            done[name] = synthesise(context, strict=strict)
            print(f"synthesised: {name}", flush=True)
        problems = [*_problems(done), *_unused(done, strict=strict)]
    finally:
        for one in done.values():
            shutil.rmtree(one.folder)
    for problem in problems:
        print(problem)
    stacks = sum(len(one.assembly.templates) for one in done.values())
    accepted = sum(len(one.nag.acknowledged) for one in done.values())
    print(f"{len(done)} apps, {stacks} templates: {len(problems)} problems, {accepted} findings acknowledged")
    return 1 if problems else 0


def _problems(done: dict[str, Synthesised]) -> list[str]:
    found = [
        f"{name}: {finding}" for name, one in done.items() for finding in (*check(one.assembly), *one.nag.unexplained)
    ]
    templates = [str(path) for one in done.values() for path in sorted(one.folder.glob("*.template.json"))]
    return found + cfn_lint(templates)


def _unused(done: dict[str, Synthesised], *, strict: bool) -> list[str]:
    used = {entry for one in done.values() for entry in one.nag.used}
    return [
        f"acknowledgement {entry.rule} for {entry.where} covers nothing: remove it"
        for entry in ACKNOWLEDGEMENTS
        if entry not in used and not (entry.of_cdk and not strict)
    ]


def cfn_lint(templates: list[str]) -> list[str]:
    """What cfn-lint says, errors and warnings alike, one line each."""
    result = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable", "--", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
