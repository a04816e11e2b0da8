"""A model's container, for whatever talks to it: its files, its environment, its port."""
