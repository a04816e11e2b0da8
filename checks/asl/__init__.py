"""State machines' definitions, as they are once deployed, before three validators that others wrote."""
