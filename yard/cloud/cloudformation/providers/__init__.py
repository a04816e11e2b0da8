"""Providers, one file a family of services; importing this package registers them all."""

import importlib
import pkgutil

from yard.cloud.cloudformation.providers.base import PROVIDERS, Made, Props, Provider, find

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PROVIDERS", "Made", "Props", "Provider", "find"]
