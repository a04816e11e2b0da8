"""What an image says of itself in its labels; whoever builds one and whoever runs it agree on their names."""

VARIANT_LABEL = "io.shardyard.variant"
"""The hardware that it was built for: `cpu`, `gpu`, ..."""
