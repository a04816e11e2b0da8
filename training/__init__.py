"""What runs inside the container. It is copied into an image alone, so it imports nothing else of ours."""
