"""Bodies of objects as files: they arrive, lie and leave without ever being in memory as a whole."""
