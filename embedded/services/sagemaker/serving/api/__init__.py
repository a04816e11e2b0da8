"""The operations of endpoints, and how endpoints come back with the cloud."""
