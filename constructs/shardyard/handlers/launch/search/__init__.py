"""What the launch's functions know of a search: its trials, its outcome, and whether it finds its objective."""
