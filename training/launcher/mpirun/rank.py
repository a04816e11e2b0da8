"""What mpirun starts for each rank: it runs the program, passes an interruption on, and says how the rank ended.

mpirun itself kills ranks a second after SIGTERM, one after the other, and ends the others when one of them exits with
75. It does pass SIGUSR1 on to every rank of every node at once, so that is what the launcher sends.
"""

import os
import signal
import sys
from collections.abc import Mapping

from contract import secrets
from contract.exit_codes import INTERRUPTED
from contract.variables import STOP_GRACE_SECONDS
from training.launcher import plain, variables
from training.launcher.guards.watch import DUMPS_STACKS, Limits
from training.launcher.inputs import read_contract
from training.launcher.launch import GRACE_SECONDS
from training.launcher.mpirun import agent
from training.launcher.package import PACKAGE_ROOT
from training.launcher.program import read_program
from training.launcher.supervise import Supervisor
from training.launcher.worker import execute_bound

INTERRUPT = signal.SIGUSR1
"""What the launcher sends to mpirun when SIGTERM has come."""

_RANKS = {
    "RANK": "OMPI_COMM_WORLD_RANK",
    "WORLD_SIZE": "OMPI_COMM_WORLD_SIZE",
    "LOCAL_RANK": "OMPI_COMM_WORLD_LOCAL_RANK",
    "LOCAL_WORLD_SIZE": "OMPI_COMM_WORLD_LOCAL_SIZE",
}


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run the program; 1 when it failed, and 0 otherwise: an interruption is no failure to mpirun."""
    supervisor = Supervisor()
    signal.signal(INTERRUPT, supervisor.note_termination)
    if values := secrets.values(environ):
        # Imported only here: most jobs have no secrets
        from training.launcher.secrets.redaction import hide

        hide(supervisor, values)
    contract = read_contract()
    # Read here and not handed over as arguments: mpirun gives a lone colon among them a meaning
    command = read_program(contract).command()
    ranks = {ours: environ[theirs] for ours, theirs in _RANKS.items() if theirs in environ}
    folder = contract.code_dir if contract.code_dir.is_dir() else None
    path = environ["PYTHONPATH"].removeprefix(f"{PACKAGE_ROOT}{os.pathsep}")
    watch = plain.listen(supervisor, Limits.from_environ(environ), contract.base, alone=ranks["WORLD_SIZE"] == "1")
    action = execute_bound(command, {**DUMPS_STACKS, **environ, **ranks, "PYTHONPATH": path}, working_dir=folder)
    rank = int(ranks["RANK"])
    child = supervisor.start(f"rank {rank}", action, prefix=f"[rank {rank}] " if int(ranks["WORLD_SIZE"]) > 1 else "")
    grace = variables.seconds(environ, STOP_GRACE_SECONDS, GRACE_SECONDS)
    code, message = plain.wait_for_end(
        supervisor, child, host=contract.current_host, base=contract.base, grace=grace, watch=watch
    )
    agent.tell({"rank": rank, "code": code, "message": message})
    return 0 if code in (0, INTERRUPTED) else 1


if __name__ == "__main__":
    sys.exit(main())
