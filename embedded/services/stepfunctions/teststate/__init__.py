"""TestState: one state, run by itself with a role or with a mocked result."""
