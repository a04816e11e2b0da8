"""A project's app, for its `app.py`: read the settings, build the stacks, synthesise."""

import gc
import os
import sys
from pathlib import Path

# A synth keeps what it makes until it ends; looking through all of it for garbage takes a tenth of its time.
gc.disable()

# aws-cdk-lib's own template validator takes 9 of 11 seconds; `make check` and the hosted workflow switch it on.
os.environ.setdefault("CDK_VALIDATION", "false")

import aws_cdk as cdk

from shardyard.spec.errors import SpecError
from shardyard.spec.settings.settings import Settings, context_of

from .build import build_app
from .cost import endpoint_sentences, idle_sentence


def project_app(root: Path) -> cdk.App:
    """An app with every stack of the project in `root`; what is wrong with its settings or jobs ends the program."""
    try:
        # The CDK command hands cdk.json over itself, and what it hands over wins; a bare `python app.py` reads it here.
        app = cdk.App(context=context_of(root / "cdk.json"))
        build_app(app, _settings(app), root=root)
    except SpecError as error:
        sys.exit(str(error))
    return app


def synth(app: cdk.App) -> None:
    """Write the templates; say what they cost while nothing runs, where somebody asked for what bills then, and what a
    month of each endpoint costs."""
    app.synth()
    settings = _settings(app)
    if settings.notebooks.enabled or settings.network.interface_endpoints:
        print(idle_sentence(Path(app.outdir)), file=sys.stderr)
    for sentence in endpoint_sentences(Path(app.outdir)):
        print(sentence, file=sys.stderr)
    gc.freeze()  # nor at the exit


def _settings(app: cdk.App) -> Settings:
    return Settings.from_context(app.node.get_all_context())
