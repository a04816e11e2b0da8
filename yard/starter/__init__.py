"""A project of somebody's own: its first files, and what a new version changes in them."""
