"""The embedded cloud's server, writing down every question that its guard decides: run as a program.

The first argument is the file; the others are the server's own.
"""

import dataclasses
import json
import sys
import threading
from pathlib import Path

from embedded import server
from embedded.access import guard
from embedded.access.evaluation.decision import Decision, Question


def record(path: Path) -> None:
    """Write each question and its answer as a line."""
    decide, lock = guard.decide, threading.Lock()

    def recorded(question: Question) -> Decision:
        found = decide(question)
        line = json.dumps({"question": dataclasses.asdict(question), "allowed": found.allowed}, default=str)
        with lock, path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        return found

    guard.decide = recorded


if __name__ == "__main__":
    record(Path(sys.argv[1]))
    server.main(sys.argv[2:])
