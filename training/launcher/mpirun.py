"""The strategy `mpirun`: Open MPI started once, on the first node; the others serve it until it is done."""

from training.launcher.failure import LaunchError
from training.launcher.launch import Launch
from training.launcher.supervise import Supervisor


def run(supervisor: Supervisor, launch: Launch) -> int:
    """Not yet."""
    raise LaunchError("mpirun is being written")
