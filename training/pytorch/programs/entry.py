"""How an entry point ends when it was asked for what cannot be: with the reason, and no traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from training.data.errors import DataError
from training.pytorch.errors import Unfit
from training.pytorch.hardware import Unsupported
from training.pytorch.parallel.plan import PlanError


@contextmanager
def reasons_without_traceback(program: str) -> Iterator[None]:
    """End the process with the message of an error that the user can mend.

    Under the launcher the error goes on: its failure file is made from the traceback, and begins with the message.
    """
    try:
        yield
    except (DataError, PlanError, Unfit, Unsupported) as error:
        if "SM_CURRENT_HOST" in os.environ:
            raise
        sys.exit("\n".join(f"{program}: error: {line}" for line in str(error).splitlines()))
