#!/usr/bin/env python3
"""Composition root: read the settings, build the stacks, synthesise."""

import gc
import os
import sys
from pathlib import Path

# A synth keeps what it makes until it ends; looking through all of it for garbage takes a tenth of its time.
gc.disable()

# aws-cdk-lib's own template validator takes 9 of 11 seconds; `make check` and the hosted workflow switch it on.
os.environ.setdefault("CDK_VALIDATION", "false")

import aws_cdk as cdk

import stacks  # noqa: F401  puts constructs/ on the path, so it comes before shardyard
from shardyard.spec.errors import SpecError
from shardyard.spec.settings.settings import Settings, context_of
from stacks.build import build_app
from stacks.cost import idle_sentence

try:
    # The CDK command hands cdk.json over itself, and what it hands over wins; a bare `python app.py` reads it here.
    app = cdk.App(context=context_of(Path(__file__).parent / "cdk.json"))
    settings = Settings.from_context(app.node.get_all_context())
    build_app(app, settings)
except SpecError as error:
    sys.exit(str(error))
app.synth()
if settings.notebooks.enabled or settings.network.interface_endpoints:
    print(idle_sentence(Path(app.outdir)), file=sys.stderr)
gc.freeze()  # nor at the exit
