"""What is checked before a search: everything that is before a launch, for all its trials together."""
