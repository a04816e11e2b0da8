"""What runs inside the container. It is copied into an image alone, so it imports only itself and contract."""
