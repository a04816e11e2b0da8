"""The operator's side: the `yard` command."""
