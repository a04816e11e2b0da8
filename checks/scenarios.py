"""The apps that the checks look at: every setting that adds or removes a resource is in one of them."""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from checks.nag.packs import NagResult, synth_with_packs
from checks.rules.model import Assembly, read_assembly
from shardyard.spec.settings.settings import Settings, context_of
from stacks.build import ROOT, build_app

EVERYTHING_ON = ROOT / "tests" / "everything_on.json"
"""The context that turns everything on; the cloud tests deploy it."""

_EXISTING = {
    "network.kind": "existing",
    "network.vpc_id": "vpc-0123456789abcdef0",
    "network.subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Synthesised:
    """One synthesised app."""

    settings: Settings
    """The context that it was built from."""
    folder: Path
    """The folder of its templates."""
    assembly: Assembly
    """Its templates."""
    nag: NagResult
    """The security packs' report."""


def contexts() -> dict[str, Mapping[str, Any]]:
    """Each scenario's context by its name."""
    everything: Mapping[str, Any] = json.loads(EVERYTHING_ON.read_text(encoding="utf-8"))
    return {
        "dev": {},
        "prod": {"stage": "prod"},
        "everything on": everything,
        "everything on, prod": {**everything, "stage": "prod"},
        "existing VPC": _EXISTING,
        "existing VPC and group": {**_EXISTING, "network.security_group_ids": ["sg-0123456789abcdef0"]},
        "no VPC": {"network.kind": "none"},
        "notebooks, no repository": {"notebooks.enabled": "true"},
    }


def synthesise(context: Mapping[str, Any], *, strict: bool = False) -> Synthesised:
    """Build and write one app under the security packs; `strict` lets CDK's own findings fail it too."""
    settings = Settings.from_context(context)
    folder = Path(tempfile.mkdtemp(prefix="shardyard-synth-"))
    flags = {key: value for key, value in context_of(ROOT / "cdk.json").items() if key.startswith("@aws-cdk/")}
    flags["@aws-cdk/core:validateAgainstDefaultRules"] = strict
    app = cdk.App(outdir=str(folder), context=flags)
    build_app(app, settings)
    with _quiet():
        nag = synth_with_packs(app)
    return Synthesised(settings=settings, folder=folder, assembly=read_assembly(folder), nag=nag)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the packs, which print every finding of their first run; only what they return counts."""
    with io.TextIOWrapper(io.BytesIO()) as nowhere, contextlib.redirect_stderr(nowhere):
        yield
