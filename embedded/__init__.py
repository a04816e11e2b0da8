"""The embedded cloud: an AWS on this machine, on moto's server."""
