"""Four packs of cdk-nag over a whole app: what they find is acknowledged with a reason, or fails."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
from constructs import IConstruct

from checks.nag.acknowledgement import Acknowledgement
from checks.nag.acknowledgements import ACKNOWLEDGEMENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class NagFinding:
    """One rule that one construct breaks."""

    pack: str
    """The pack, which is also the prefix of an acknowledgement's id."""
    rule: str
    """The rule's full name, with what it is about in brackets."""
    path: str
    """The construct's path."""
    description: str
    """The pack's message."""

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.description}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NagResult:
    """What the packs found in one app."""

    unexplained: Sequence[NagFinding]
    """The findings that no acknowledgement covers."""
    acknowledged: Sequence[NagFinding]
    """The accepted findings, as the report lists them."""
    used: frozenset[Acknowledgement]
    """The acknowledgements that covered something."""


def synth_with_packs(app: cdk.App) -> NagResult:
    """Synthesise under the four packs, acknowledge what the table covers, and synthesise again.

    The ids of findings hold names that only a synth knows, so the first one finds them. The second one proves that
    the packs themselves take each acknowledgement.
    """
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.HIPAASecurityChecks(app),
        cdk_nag.PCIDSS321Checks(app),
    )
    used: set[Acknowledgement] = set()
    unexplained: list[NagFinding] = []
    construct_at = cache(lambda path: _construct(app, path))
    for finding in _synth(app, "violations"):
        entry = next((entry for entry in ACKNOWLEDGEMENTS if _covers(entry, finding)), None)
        if entry is None:
            unexplained.append(finding)
            continue
        used.add(entry)
        cdk.Validations.of(construct_at(finding.path)).acknowledge(
            cdk.Acknowledgment(id=f"{finding.pack.replace(' ', '-')}::{finding.rule}", reason=entry.reason)
        )
    left = [finding for finding in _synth(app, "violations") if finding not in unexplained]
    return NagResult(
        unexplained=[*unexplained, *left],
        acknowledged=list(_read(app, "suppressedViolations")),
        used=frozenset(used),
    )


def _covers(entry: Acknowledgement, finding: NagFinding) -> bool:
    return entry.covers(finding.rule, finding.path, finding.description)


def _synth(app: cdk.App, part: str) -> list[NagFinding]:
    try:
        app.synth(force=True)
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
    return list(_read(app, part))


def _read(app: cdk.App, part: str) -> Iterator[NagFinding]:
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text(encoding="utf-8"))
    for plugin in report["pluginReports"]:
        for violation in plugin.get(part, []):
            for construct in violation["violatingConstructs"]:
                yield NagFinding(
                    pack=plugin["pluginName"],
                    rule=violation["ruleName"],
                    path=construct["constructPath"],
                    description=violation["description"],
                )


def _construct(app: cdk.App, path: str) -> IConstruct:
    construct: IConstruct = app
    for part in path.split("/"):
        construct = construct.node.find_child(part)
    return construct
