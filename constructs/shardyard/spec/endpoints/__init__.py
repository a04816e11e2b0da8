"""What a file in endpoints/ can set, and what it costs."""
