"""What a template says: its text, parameters, conditions, intrinsic functions, and the types it names."""
