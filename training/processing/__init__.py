"""Programs of processing jobs, and what they share. Knows no framework."""
