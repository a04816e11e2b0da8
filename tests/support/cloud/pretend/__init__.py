"""Incident Manager, in a folder alone: what it takes to add a service to the embedded cloud.

A real service that the cloud does not emulate, so that botocore has its model. The test copies the folder to
`embedded/services/pretend` of a copy of the cloud; it is no part of the cloud, and keeps no more than the test asks.
"""
