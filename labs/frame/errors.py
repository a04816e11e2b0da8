"""What a lab fails with."""


class LabError(Exception):
    """A step of a lab did not do what the lab says; the message has the value and what to do."""
