"""moto's exceptions as this cloud's own, for operations that work on moto's backends."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.exceptions import JsonRESTError, ServiceException

from embedded.operations import ServiceError


@contextmanager
def as_service_errors() -> Iterator[None]:
    """Turn what moto's backend raises into a ServiceError with the same code and message."""
    try:
        yield
    except JsonRESTError as error:
        # the interpreter's own exceptions have their code on the class, and nothing in error_type
        name = error.error_type if error.error_type else type(error).code
        raise ServiceError(str(name), str(error.message)) from error
    except ServiceException as error:
        raise ServiceError(str(error.code), str(error.message)) from error
