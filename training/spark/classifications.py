"""The configuration of a Spark job: a list of classifications as Amazon EMR has them, in the input `conf`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.paths import local_path
from training.spark.failure import SparkError

PATH = "/opt/ml/processing/input/conf/configuration.json"
_HADOOP = ("core-site", "hdfs-site", "hive-site", "spark-hive-site")
_OF_YARN = ("yarn-site", "yarn-env", "hadoop-env", "hadoop-log4j", "hive-env", "hive-log4j", "hive-exec-log4j")
_KNOWN = ("spark-defaults", "spark-env", "spark-log4j", "spark-metrics", *_HADOOP, *_OF_YARN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What the job has configured."""

    properties: Mapping[str, str] = field(default_factory=dict)
    """Spark's own properties, which win over ours."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables for the program and its executors."""
    ignored: tuple[str, ...] = ()
    """Classifications of daemons that a standalone cluster does not have."""


def read(path: Path | None = None) -> Configuration:
    """Read the job's classifications; a job without any has none."""
    place = local_path(PATH) if path is None else path
    if not place.is_file():
        return Configuration()
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SparkError(f"{PATH} is not JSON: {error}") from None
    properties: dict[str, str] = {}
    variables: dict[str, str] = {}
    ignored: list[str] = []
    for entry in found if isinstance(found, list) else [found]:
        name, own = _entry(entry)
        if name == "spark-defaults":
            properties |= own
        elif name in ("core-site", "hdfs-site"):
            properties |= {f"spark.hadoop.{key}": value for key, value in own.items()}
        elif name == "spark-env":
            variables |= _exported(entry)
        else:
            ignored.append(name)
    return Configuration(properties=properties, variables=variables, ignored=tuple(ignored))


def _entry(entry: Any) -> tuple[str, dict[str, str]]:
    name = entry.get("Classification") if isinstance(entry, dict) else None
    if name not in _KNOWN:
        raise SparkError(f"{PATH}: the classification {name!r} is none of {', '.join(_KNOWN)}")
    own = entry.get("Properties", {})
    if not isinstance(own, dict):
        raise SparkError(f"{PATH}: the Properties of {name} are no object")
    return name, {str(key): str(value) for key, value in own.items()}


def _exported(entry: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for inner in entry.get("Configurations", []):
        if not isinstance(inner, dict) or inner.get("Classification") != "export":
            raise SparkError(f"{PATH}: spark-env takes nested classifications named export alone")
        found |= {str(key): str(value) for key, value in inner.get("Properties", {}).items()}
    return found
