"""EventBridge's pattern language: patterns are read, checked and compiled as AWS's own engine does, then matched."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from embedded.patterns.compiling import Pattern, compiled
from embedded.patterns.matching import fields_of, holds
from embedded.patterns.reading import PatternError

__all__ = ["Pattern", "PatternError", "compile_pattern", "matches"]


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern's text; raises `PatternError` with the service's reason."""
    return compiled(text)


def matches(pattern: str | Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event matches a pattern, given as text or as what `json.loads` makes of it."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    fields = fields_of(event)
    return any(holds(alternative, fields) for alternative in compile_pattern(text))
