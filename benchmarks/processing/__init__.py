"""Processing jobs on the embedded cloud: their start, what faults cost them, and what Spark makes of two nodes."""
