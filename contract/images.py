"""What an image says of itself, in labels and in a log; who builds one, runs it and reads of it agree on the names."""

VARIANT_LABEL = "io.shardyard.variant"
"""The hardware that it was built for: `cpu`, `gpu`, ..."""

VERSIONS_LINE = "launcher: versions: "
"""Begins the line of a run's first node that names its Python and its frameworks, with what the code has brought."""
