#!/usr/bin/env python3
"""Stop this notebook instance when nobody has used it for a while. Standard library only; run by a timer as root.

Used means: a kernel computes or was active, a terminal was active, or the processors are busy (a silent program in a
terminal). What is found is remembered between runs, so that a restart of Jupyter does not look like a day off.
"""

import argparse
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path

BUSY_LOAD_PER_CORE = 0.2


def main() -> int:
    """Look once; stop the instance when it is time."""
    options = parse(sys.argv[1:])
    now = time.time()
    seen = [remembered(options.state, now), *jupyter_activity(options.jupyter, now)]
    if os.getloadavg()[1] / (os.cpu_count() or 1) >= options.busy_load:
        seen.append(now)
    last_used = max(seen)
    options.state.write_text(json.dumps({"last_used": last_used}))
    idle_minutes = (now - last_used) / 60
    print(f"idle for {idle_minutes:.0f} of {options.idle_minutes} minutes", flush=True)
    if idle_minutes < options.idle_minutes:
        return 0
    metadata = json.loads(options.metadata.read_text())
    name, region = metadata["ResourceName"], metadata["ResourceArn"].split(":")[3]
    print(f"stopping {name}", flush=True)
    # The region by name: nothing has configured one for root.
    command = ["aws", "--region", region, "sagemaker", "stop-notebook-instance", "--notebook-instance-name", name]
    return subprocess.run(command, check=False).returncode


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; the defaults are a notebook instance's own places."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-minutes", type=int, required=True)
    parser.add_argument("--jupyter", default="https://localhost:8443")
    parser.add_argument("--state", type=Path, default=Path("/run/shardyard-auto-stop.json"))
    parser.add_argument("--metadata", type=Path, default=Path("/opt/ml/metadata/resource-metadata.json"))
    parser.add_argument("--busy-load", type=float, default=BUSY_LOAD_PER_CORE)
    return parser.parse_args(arguments)


def remembered(state: Path, now: float) -> float:
    """When the notebook was last used as far as earlier runs know; the first run counts as use."""
    try:
        return float(json.loads(state.read_text())["last_used"])
    except (OSError, ValueError, KeyError):
        return now


def jupyter_activity(jupyter: str, now: float) -> list[float]:
    """When each kernel and each terminal was last active; a kernel that computes is active now."""
    found = []
    for kind in ("kernels", "terminals"):
        for one in ask(f"{jupyter}/api/{kind}"):
            busy = one.get("execution_state") == "busy"
            found.append(now if busy else seconds(one["last_activity"]))
    return found


def ask(url: str) -> list[dict[str, str]]:
    """What Jupyter's API lists; nothing while it does not answer."""
    # Jupyter's certificate is its own; the request never leaves this machine.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=10, context=context if url.startswith("https") else None) as answer:
            return list(json.load(answer))
    except (OSError, ValueError) as error:
        print(f"{url} does not answer: {error}", flush=True)
        return []


def seconds(text: str) -> float:
    """Turn Jupyter's time stamp into seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    sys.exit(main())
