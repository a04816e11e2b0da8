"""The strategy `mpirun`: Open MPI over the nodes, without ssh."""
