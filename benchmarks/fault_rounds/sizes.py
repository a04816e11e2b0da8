"""What every program of the fault rounds agrees on with those who disturb it. Imports no framework."""

STEPS = 60
INTERVAL, TIMEOUT_SECONDS, STEP_SECONDS = 5, 8.0, 0.05
