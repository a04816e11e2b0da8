"""Jobs as state machines: the constructs, and the functions and roles that they share."""
