"""Rules on synthesised templates for what other linters let pass. Pure functions over parsed JSON."""
