"""Endpoints: which model they serve, how a new one arrives, who called them, what they cost."""
