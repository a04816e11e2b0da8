"""Lambda's event source mappings: queues and streams that are read on behalf of functions."""
