"""Transforms: what makes another template of a template before anything is deployed."""

from embedded.cloudformation.transforms.processing import check_transforms, process, uses_transforms
from embedded.cloudformation.transforms.scope import Scope

__all__ = ["Scope", "check_transforms", "process", "uses_transforms"]
