"""Commands for whoever answers for the project: what a deploy changes, who launched what, how jobs share stacks."""
