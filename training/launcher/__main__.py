"""`python -m training.launcher [train]`; the launcher's zip starts with this same file."""

import signal
import sys

if __name__ == "__main__":
    # To PID 1 a signal that nothing handles yet is lost: held back, it waits for the supervisor
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    from training.launcher.main import main

    sys.exit(main(sys.argv[1:]))
