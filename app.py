#!/usr/bin/env python3
"""Composition root: read the settings, build the stacks, synthesise."""

import os
import sys

# aws-cdk-lib's own template validator takes 9 of 11 seconds; `make check` and CI switch it on.
os.environ.setdefault("CDK_VALIDATION", "false")

import stacks  # noqa: F401  puts constructs/ on the path, so it comes before shardyard
import aws_cdk as cdk

from shardyard.spec.errors import SpecError
from shardyard.spec.settings import Settings

app = cdk.App()
try:
    settings = Settings.from_context(app.node.get_all_context())
except SpecError as error:
    sys.exit(str(error))
app.synth()
