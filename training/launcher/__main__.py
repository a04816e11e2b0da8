"""`python -m training.launcher [train | process ENTRY ARGUMENTS... | serve]`; the launcher's zip starts with it too."""

import signal
import sys

if __name__ == "__main__":
    # To PID 1 a signal that nothing handles yet is lost: held back, it waits for the supervisor
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    if sys.argv[1:] == ["serve"]:
        import importlib.util
        import os

        if importlib.util.find_spec("serving") is not None:
            # Another program in this one's place: it keeps process 1, and carries none of the launcher's memory
            os.execv(sys.executable, [sys.executable, "-m", "serving"])
    from training.launcher.main import main

    sys.exit(main(sys.argv[1:]))
