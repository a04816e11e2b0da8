#!/usr/bin/env python3
"""Composition root: every stack of the project in this folder."""

from pathlib import Path

from stacks.app import project_app, synth

app = project_app(Path(__file__).parent)
synth(app)
