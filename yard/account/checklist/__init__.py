"""`yard doctor --account`: an account from its first day to its first job, step by step."""
