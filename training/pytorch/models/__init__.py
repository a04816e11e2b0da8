"""Models that the programs train, and what they cost to compute."""
