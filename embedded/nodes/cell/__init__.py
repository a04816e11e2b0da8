"""The process that holds one attempt of one job: its network, its nodes, and their connection to the cloud.

It runs as `python -S -m embedded.nodes.cell` and imports only the standard library, so that it starts in a few
hundredths of a second. However it ends, the kernel then removes all of its nodes and networks.
"""
