"""What a stack's history is made of."""
