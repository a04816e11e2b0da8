"""The labs: documents that run. Each folder beside this file with a `lab.py` is one; `frame` is what they share."""
