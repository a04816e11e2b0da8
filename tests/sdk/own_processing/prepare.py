"""What a person's processing script may look like: it knows the folders that it was given, and nothing else."""

import json
import sys
from pathlib import Path

import helper

rows = [line for path in Path("/opt/ml/processing/input/data").iterdir() for line in path.read_text().split()]
host = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
Path("/opt/ml/processing/output/result", host).write_text(f"{helper.NAME} {sorted(rows)} {sys.argv[1:]}")
print(f"prepared {len(rows)} rows on {host}")
