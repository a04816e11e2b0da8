"""What policies say to a request: statements, conditions, variables, and how all of them are combined."""
