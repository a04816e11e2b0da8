"""Hyperparameters travel as strings; this keeps their types on the way.

A text that JSON would read as something else is quoted, so that a reader who tries JSON first and takes the text
itself otherwise gets back exactly what was written.
"""

import json
from collections.abc import Mapping

from shardyard.spec.tree import Scalar


def encode(value: Scalar) -> str:
    """Turn one hyperparameter into the string that SageMaker carries."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    except RecursionError:  # thousands of brackets: quoted, it is a text for every reader
        pass
    return json.dumps(value)


def encode_all(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Encode a whole table."""
    return {name: encode(value) for name, value in values.items()}
