"""Rebuild embedded/access/iam_actions.json after a new service or a new cfn-lint."""

from embedded import loading, operations, traits
from embedded.access import facts, iam_actions


def prefixes() -> list[str]:
    """How the actions begin of every service that has a folder, whatever it registers."""
    loading.load()
    services = {name for name, _ in operations.operations()} | {name for name, _ in traits.described()}
    return sorted({*facts.prefixes(), *(facts.prefix_of(name) for name in services)})


def main() -> None:
    """Write the data of every service."""
    iam_actions.write(prefixes())


if __name__ == "__main__":
    main()
