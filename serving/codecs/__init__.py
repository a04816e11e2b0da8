"""From the bytes of a request to arrays, and back."""
