"""What makes, reads, changes and deletes one type of resource. The services bring their own; see `base`."""

from embedded.cloudformation.providers.base import PROVIDERS, Made, Props, Provider, find

__all__ = ["PROVIDERS", "Made", "Props", "Provider", "find"]
