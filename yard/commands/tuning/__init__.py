"""The command that searches hyperparameters."""
