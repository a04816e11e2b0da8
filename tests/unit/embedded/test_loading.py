"""The services of the embedded cloud may be loaded in any order: each registers the same, whoever came before."""

import json
import subprocess
import sys
from typing import Any

LOAD = """
import json, random, sys
from embedded import inventory, operations, services, traits
from embedded.access import facts, references
from embedded.bus import deliveries
from embedded.cloudformation.providers import PROVIDERS
order = sorted(services.modules())
random.Random(int(sys.argv[1])).shuffle(order)
services.load(order)
print(json.dumps({
    "operations": [[*key, f"{found.__module__}.{found.__qualname__}"]
                   for key in operations.operations() for found in [operations.find_operation(*key)]],
    "checks": sorted([*key, found.__module__] for key, found in operations._checks.items()),
    "verbs": operations.verbs(),
    "providers": sorted((name, type(found).__module__) for name, found in PROVIDERS.items()),
    "traits": [[name, str(found)] for name, found in traits.described()],
    "signing names": [sorted(traits._by_signing_name.items()), sorted(traits._by_path)],
    "kinds": inventory.kinds(),
    "destinations": sorted((kind, found.__module__) for kind, found in deliveries._destinations.items()),
    "references": sorted((kind, found.__module__) for kind, found in references._finders.items()),
    "access": [
        [sorted(found) for found in (facts._action_names, facts._finders, facts._keys, facts._further, facts._tags)],
        sorted((name, found.always, found.decides) for name, found in facts._policies.items()),
        [sorted(found.items()) for found in (facts._prefixes, facts._tagged_by, facts._passed)],
        [sorted(found) for found in (facts._free, facts._in_body)],
    ],
}))
"""


def loaded(seed: int) -> dict[str, Any]:
    """What is registered after the services came in one random order, in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", LOAD, str(seed)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_order_of_the_services_changes_nothing() -> None:
    first, other = (loaded(seed) for seed in (1, 2))
    assert all(first.values())
    known = {"autoscaling", "events", "lambda", "logs", "sns", "sqs", "states"}
    assert {kind for kind, _ in first["destinations"]} == known
    assert other == first
