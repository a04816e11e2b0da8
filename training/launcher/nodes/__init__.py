"""What the launchers of a run tell one another."""
