"""How well the embedded cloud searches, how much early stopping saves, and how fast it launches training jobs."""
