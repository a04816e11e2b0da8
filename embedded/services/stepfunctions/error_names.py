"""Names of errors as moto's interpreter compares them."""

from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType


def error_name_of(error_name: str | None) -> ErrorName:
    """The name of an error, which may be one of the language's own."""
    own = next((kind for kind in StatesErrorNameType if kind.to_name() == error_name), None)
    return ErrorName(error_name=error_name) if own is None else StatesErrorName(typ=own)
