"""`make demo`: what it shows, and what it takes away again."""
