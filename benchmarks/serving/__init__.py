"""The serving runtime beside a bare loop and FastAPI, and under faults."""
