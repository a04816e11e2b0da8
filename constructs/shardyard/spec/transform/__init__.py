"""What batch transform does with an object: split, filter, pack, join, filter again, assemble."""
