"""Rebuild embedded/cloudformation/templates/schemas.json after a new type or a new cfn-lint."""

from embedded import loading
from embedded.cloudformation.providers import PROVIDERS
from embedded.cloudformation.templates import schemas


def main() -> None:
    """Write the schema data of every type that the services provide."""
    loading.load()
    schemas.write(list(PROVIDERS))


if __name__ == "__main__":
    main()
