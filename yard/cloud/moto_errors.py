"""moto's exceptions as this cloud's own, for operations that work on moto's backends."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.exceptions import JsonRESTError, ServiceException

from yard.cloud.registry import ServiceError


@contextmanager
def as_service_errors() -> Iterator[None]:
    """Turn what moto's backend raises into a ServiceError with the same code and message."""
    try:
        yield
    except JsonRESTError as error:
        raise ServiceError(str(error.error_type), str(error.message), int(error.code)) from error
    except ServiceException as error:
        raise ServiceError(str(error.code), str(error.message)) from error
