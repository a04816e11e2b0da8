"""The history of Spark jobs: their event logs, and the server that shows them."""
