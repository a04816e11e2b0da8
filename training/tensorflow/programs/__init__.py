"""Training programs: what a job's `entry` names."""
