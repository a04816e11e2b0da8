"""Models and endpoint configurations: made once, never changed, read back as they were asked for."""
