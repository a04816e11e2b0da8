"""How an entry point ends when it was asked for what cannot be: with the reason, and an exit code that says so."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from contract.exit_codes import REFUSED
from contract.refusal import Refused
from training.data.errors import ShardError


@contextmanager
def reasons_without_traceback(program: str) -> Iterator[None]:
    """End the process with the message of an error that the user can mend.

    Under the launcher the traceback is printed: its failure file is made from that, and begins with the message.
    """
    try:
        yield
    except (Refused, ShardError) as error:
        refused = isinstance(error, Refused)
        if "SM_CURRENT_HOST" in os.environ:
            if not refused:
                raise
            traceback.print_exception(error)
        else:
            print("\n".join(f"{program}: error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        sys.exit(REFUSED if refused else 1)
