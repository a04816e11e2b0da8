"""What tests of built-in algorithms' stand-ins share: a job's folder, and its metrics as the service reads them."""

import json
import re
from pathlib import Path

from contract.builtin import ALGORITHMS


def write_job(base: Path, hyperparameters: dict[str, str], **channels: tuple[str, str]) -> None:
    """Write what SageMaker gives to a container; a channel is its content type and its text."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "inputdataconfig.json").write_text(
        json.dumps({name: {"ContentType": kind} for name, (kind, _) in channels.items()})
    )
    for name, (_, text) in channels.items():
        folder = base / "input" / "data" / name
        folder.mkdir(parents=True)
        (folder / "part-0").write_text(text)


def metric(algorithm: str, name: str, said: str) -> float:
    """A metric's last value, by the regular expression of the service."""
    found = re.findall(ALGORITHMS[algorithm].metrics[name], said)
    assert found, said
    return float(found[-1])
