"""Lines for CloudWatch: one a message, with the process that says it."""

import sys
import threading
import time

_lock = threading.Lock()


def say(message: str) -> None:
    """Print a line at once."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with _lock:
        sys.stderr.write(f"{stamp} serving: {message}\n")
        sys.stderr.flush()
