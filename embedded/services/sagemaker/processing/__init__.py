"""Processing jobs: their operations, their container contract, and the runner that brings them to an end."""
