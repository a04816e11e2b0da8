"""Which IAM actions name a resource: dated data, from the service authorization reference.

Rebuild it after a new service or a new cfn-lint: `python -m scripts.make_iam_actions`.
"""

import json
from functools import cache
from pathlib import Path

_DATA = Path(__file__).with_name("iam_actions.json")


@cache
def _actions() -> dict[str, dict[str, list[str]]]:
    actions: dict[str, dict[str, list[str]]] = json.loads(_DATA.read_text())["actions"]
    return actions


def resource_types(action: str) -> tuple[str, ...] | None:
    """The types of resources that an action names; none for one that needs `*`; None for an unknown action."""
    prefix, _, name = action.partition(":")
    known = _actions().get(prefix, {})
    found = known.get(name.lower())
    return None if found is None else tuple(found)


def build(prefixes: list[str]) -> dict[str, object]:
    """Read the data that cfn-lint brings (a tool of the tests, not of the cloud), for the actions of these services."""
    import cfnlint.data.AdditionalSpecs as specs
    from cfnlint.version import __version__

    everything = json.loads((Path(specs.__file__).parent / "Policies.json").read_text())
    actions = {
        prefix: {
            name: sorted(facts.get("Resources", ())) for name, facts in sorted(everything[prefix]["Actions"].items())
        }
        for prefix in prefixes
    }
    return {"source": f"cfn-lint {__version__}", "actions": actions}


def write(prefixes: list[str]) -> None:
    """Write the data of these services anew."""
    _DATA.write_text(json.dumps(build(prefixes), separators=(",", ":"), sort_keys=True) + "\n")
