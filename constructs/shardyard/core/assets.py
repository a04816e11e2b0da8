"""Files that a deploy uploads, written beside the templates."""

from collections.abc import Callable
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import IConstruct


class _StackFiles:
    """The files of one stack, and what they need of CDK: each question to it is a call into another process."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._synthesizer = stack.synthesizer
        self._folder = Path(cast(cdk.Stage, cdk.Stage.of(stack)).asset_outdir)
        self._locations: dict[str, tuple[str, str]] = {}

    def add(self, digest: str, content: Callable[[], bytes], display_name: str, suffix: str) -> tuple[str, str]:
        if digest not in self._locations:
            name = f"asset.{digest}{suffix}"
            target = self._folder / name
            if not target.exists():
                target.write_bytes(content())
            location = self._synthesizer.add_file_asset(
                source_hash=digest, file_name=name, packaging=cdk.FileAssetPackaging.FILE, display_name=display_name
            )
            self._locations[digest] = location.bucket_name, location.object_key
        return self._locations[digest]


_of_stack: WeakKeyDictionary[cdk.Stack, _StackFiles] = WeakKeyDictionary()


def add_file(
    scope: IConstruct, *, digest: str, content: Callable[[], bytes], display_name: str, suffix: str = ".zip"
) -> tuple[str, str]:
    """Add a file as an asset and return the bucket and the key that it will have once published.

    `content` is asked for only where no earlier synth has written the file: the digest says what is in it.
    """
    stack = cdk.Stack.of(scope)
    if stack not in _of_stack:
        _of_stack[stack] = _StackFiles(stack)
    return _of_stack[stack].add(digest, content, display_name, suffix)
