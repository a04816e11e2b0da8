"""Runs in .venv-sdk: what the scripts that `yard export --sdk` wrote would send to CreateTrainingJob.

`python capture.py SCRIPT ...` prints one JSON document: the request of each script, by its file's stem. The calls are
caught inside botocore, so what is compared is what would leave the machine. Nothing leaves it.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import botocore.client


class Sent(Exception):
    """The request has been made; nothing after it matters."""


def catch(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Stand where botocore would go to the network."""
    if operation == "CreateTrainingJob":
        raise Sent(parameters)
    if operation == "GetCallerIdentity":
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/someone", "UserId": "someone"}
    raise SystemExit(f"the script called {operation} before CreateTrainingJob: {parameters}")


def request_of(script: Path) -> Any:
    """Run a script up to its request."""
    try:
        runpy.run_path(str(script), run_name="__main__")
    except Sent as sent:
        return sent.args[0]
    raise SystemExit(f"{script} ended without a request")


botocore.client.BaseClient._make_api_call = catch
print("\n" + json.dumps({script.stem: request_of(script) for script in map(Path, sys.argv[1:])}))
