"""Service models as the cloud needs them: botocore's loader without the documentation, in plain dicts.

Dozens of services are read, once for requests and once for clients. botocore keeps each as OrderedDicts with every page
of its documentation, which no part of the cloud reads: most of the memory of an idle cloud.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader

from embedded import moto_patches


def _load(self: JSONFileLoader, full_path: str, open_method: Callable[..., Any]) -> Any:
    if not Path(full_path).is_file():
        return None
    with open_method(full_path, "rb") as file:
        return json.loads(file.read(), object_pairs_hook=_without_documentation)


def _without_documentation(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # a member that is called `documentation` is an object, not a text
    return {name: "" if name == "documentation" and isinstance(value, str) else value for name, value in pairs}


moto_patches.replace(JSONFileLoader, "_load_file", _load, reason="botocore keeps all documentation, in OrderedDicts")
