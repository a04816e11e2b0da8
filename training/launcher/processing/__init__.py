"""The launcher in a processing container."""
