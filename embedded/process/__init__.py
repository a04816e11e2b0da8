"""The cloud's process: what it is started with, how others see that it lives, and what it loads."""
