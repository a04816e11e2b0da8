"""Who may do what: sessions, policies, and the guard in front of every operation."""
