"""Write the registries and versions of SageMaker's built-in algorithms anew, from a checkout of AWS's own Python SDK.

python -m scripts.catalogue.make_builtin FOLDER, where FOLDER is a clone of github.com/aws/sagemaker-python-sdk. What
the algorithms take (channels, hyperparameters, ranges, metrics) is read from the developer guide by a person, page by
page; the file names the pages.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "constructs/shardyard/spec/catalogue/data/builtin.json"
CONFIGS = "sagemaker-core/src/sagemaker/core/image_uri_config"


def registries(found: dict[str, Any]) -> tuple[dict[str, str], list[str], str]:
    """The accounts by region of the newest version, the versions in its repository, and the repository.

    The oldest versions of XGBoost, whose tags also name a processor and a Python, are left out.
    """
    versions = found.get("training", found)["versions"]
    newest = list(versions)[-1]
    repository = versions[newest]["repository"]
    known = [name for name, one in versions.items() if one["repository"] == repository and "processors" not in one]
    return dict(sorted(versions[newest]["registries"].items())), known, repository


def write(checkout: Path, data: Path = DATA) -> None:
    """Replace what the SDK knows; what people read stays."""
    kept = json.loads(data.read_text(encoding="utf-8"))
    tables: dict[str, dict[str, str]] = {}
    for name, algorithm in kept["algorithms"].items():
        config = json.loads((checkout / CONFIGS / f"{algorithm['config']}.json").read_text(encoding="utf-8"))
        accounts, versions, repository = registries(config)
        table = next((known for known, one in tables.items() if one == accounts), name)
        tables[table] = accounts
        algorithm |= {"registry": table, "versions": versions, "repository": repository}
    kept |= {"registries": tables, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    data.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
