"""A second evaluator of policies, `@cloud-copilot/iam-simulate`: what it says of many cases, in one process of Node.

Its licence is the AGPL: it is run, as a program of its own and by tests alone, and is part of nothing that is shipped.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from checks.iam.reference import NotInstalled

_HERE = Path(__file__).parent


def answers(simulations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each case its `result` (Allowed, ImplicitlyDenied, ExplicitlyDenied), or an `error` of the case itself."""
    if not (_HERE / "node_modules").exists():
        raise NotInstalled(f"{_HERE / 'node_modules'} does not exist: run `make setup-test`")
    told = subprocess.run(
        ["node", str(_HERE / "simulate.js")], input=json.dumps(simulations), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found
