"""A search as a whole: its trials and what they may cost."""
