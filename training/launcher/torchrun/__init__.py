"""The strategy `torchrun`: an elastic agent per node."""
