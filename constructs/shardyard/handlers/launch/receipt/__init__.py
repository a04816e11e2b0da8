"""Records what a launch did and what it cost."""
