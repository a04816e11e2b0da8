"""`python -m benchmarks serving`."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks._report import Figure, report
from benchmarks.serving import faults, models, speed


def main() -> int:
    """Measure and report."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        bodies = models.make(base)
        parts: list[tuple[str, Callable[[], list[Figure]]]] = [
            ("light", lambda: speed.light(base, bodies["table"])),
            ("batches", lambda: speed.batches(base, bodies["digits"])),
            ("streams", lambda: speed.streams(base, bodies["tokens"])),
            ("codecs", speed.codecs),
            ("starts", lambda: faults.starts(base, bodies["digits"])),
            ("kills", lambda: faults.kills(base, bodies["digits"])),
            ("hangs", lambda: faults.hangs(base)),
            ("stops", lambda: faults.stops(base, bodies["table"])),
        ]
        figures = []
        for name, measure in parts:
            found = measure()
            figures += found
            # It takes minutes: what is known already is shown
            print(f"{name}: {', '.join(f'{one.value:.3g} {one.unit}' for one in found)}", file=sys.stderr, flush=True)
    notes = (
        "CPU per request is the processor time of all of a server's processes by the requests answered, median of "
        f"{speed.ROUNDS} rounds of {speed.SECONDS:g} s in turns; the clients are one process of this machine. FastAPI "
        "is an asynchronous handler on uvicorn with uvloop and httptools. It and the bare loop answer one by one; the "
        "runtime answers together what waits. The tokens' model has 11 million parameters."
    )
    return report("serving", figures, notes=notes)


if __name__ == "__main__":
    sys.exit(main())
