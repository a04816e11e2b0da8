"""How often Python asks CDK's Node process for something: the measure of a synth that no busy machine distorts."""

from collections.abc import Callable
from unittest.mock import patch

from jsii._kernel.providers.process import _NodeProcess


def round_trips(build: Callable[[], object]) -> int:
    """Count the messages to Node that this sends."""
    with patch.object(_NodeProcess, "send", autospec=True, side_effect=_NodeProcess.send) as send:
        build()
    return int(send.call_count)
