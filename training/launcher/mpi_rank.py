"""What mpirun starts for each rank: it puts the node's own variables in place and becomes the program.

A login through ssh has none of the container's environment, and mpirun passes on the first node's; the SM_*
variables have to be this node's.
"""

import os
import sys

from training.launcher import environment, hosts, network
from training.launcher.contract import read_contract
from training.launcher.program import read_program

_RANKS = {
    "RANK": "OMPI_COMM_WORLD_RANK",
    "WORLD_SIZE": "OMPI_COMM_WORLD_SIZE",
    "LOCAL_RANK": "OMPI_COMM_WORLD_LOCAL_RANK",
    "LOCAL_WORLD_SIZE": "OMPI_COMM_WORLD_LOCAL_SIZE",
}


def main() -> int:
    """Replace this process by the program."""
    contract = read_contract()
    program = read_program(contract)
    present = network.interface_addresses()
    address = hosts.known_addresses().get(contract.current_host)
    interface = network.pick_interface(contract.resource.get("network_interface_name"), address, present)
    gpus, cpus = environment.count_gpus(), environment.count_cpus()
    ranks = {ours: os.environ[theirs] for ours, theirs in _RANKS.items() if theirs in os.environ}
    table = network.efa_table()
    environ = {
        **network.network_variables(contract.instance_type, interface, contract.hosts, table),
        **os.environ,
        **ranks,
        **environment.sm_variables(contract, program, interface=interface, gpus=gpus, cpus=cpus),
    }
    if contract.code_dir.is_dir():
        os.chdir(contract.code_dir)
    command = program.command()
    os.execvpe(command[0], command, environ)


if __name__ == "__main__":
    sys.exit(main())
