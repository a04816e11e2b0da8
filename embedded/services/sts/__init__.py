"""STS: who asks, and sessions of roles."""
