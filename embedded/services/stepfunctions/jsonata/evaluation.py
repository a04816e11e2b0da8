"""One JSONata expression, evaluated over variables."""

from collections.abc import Mapping
from typing import Any

from jsonata import Jsonata, jexception

from embedded.services.stepfunctions.jsonata import functions
from embedded.services.stepfunctions.jsonata.values import from_query, to_query

_TIMEOUT_MS = 30_000
"""Our choice: long enough for an evaluator in Python, short enough that a loop without end is told."""
_STACK = 500
_LIMITS = {"D1011": "Stack overflow error", "D1012": "Expression evaluation timeout"}


class Undefined(Exception):
    """The expression returned nothing."""


class ExpressionError(Exception):
    """The expression failed; the text is JSONata's code and message."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """The expression's result as JSON values, with variables by their names without the dollar."""
    try:
        query = Jsonata(expression, timeout=_TIMEOUT_MS, stack=_STACK)
        query.set_output_convert_nulls(False)
        bound = functions.FUNCTIONS | {name: to_query(value) for name, value in variables.items()}
        result = query.evaluate(None, bound)
    except jexception.JException as error:
        # the evaluator's texts come from Java, where functions are objects
        text = f"{error.error}: {error}".replace(" Object ", " function ")
        raise ExpressionError(_LIMITS.get(error.error, text)) from error
    except RecursionError as error:
        raise ExpressionError(_LIMITS["D1011"]) from error
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ExpressionError(str(error)) from error
    if result is None:
        raise Undefined
    return from_query(result)
