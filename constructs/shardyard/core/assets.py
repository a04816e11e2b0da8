"""Zips that a deploy uploads, written beside the templates."""

from collections.abc import Callable
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import IConstruct

_locations: WeakKeyDictionary[cdk.Stack, dict[str, tuple[str, str]]] = WeakKeyDictionary()
"""Where each stack's zips will be, by digest: asking CDK once more takes ten calls into another process."""


def add_zip(scope: IConstruct, *, digest: str, content: Callable[[], bytes], display_name: str) -> tuple[str, str]:
    """Add a zip as an asset and return the bucket and the key that it will have once published.

    `content` is asked for only where no earlier synth has written the file: the digest says what is in it.
    """
    stack = cdk.Stack.of(scope)
    known = _locations.setdefault(stack, {})
    if digest not in known:
        known[digest] = _add(stack, digest, content, display_name)
    return known[digest]


def _add(stack: cdk.Stack, digest: str, content: Callable[[], bytes], display_name: str) -> tuple[str, str]:
    name = f"asset.{digest}.zip"
    target = Path(cast(cdk.Stage, cdk.Stage.of(stack)).asset_outdir) / name
    if not target.exists():
        target.write_bytes(content())
    location = stack.synthesizer.add_file_asset(
        source_hash=digest, file_name=name, packaging=cdk.FileAssetPackaging.FILE, display_name=display_name
    )
    return location.bucket_name, location.object_key
