"""Our own rules on synthesised templates: what other linters let pass. Pure functions over parsed JSON."""
