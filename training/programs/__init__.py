"""What the programs of both frameworks share: their options, how they refuse, and data to try them with."""
