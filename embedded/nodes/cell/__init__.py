"""The process that holds one attempt of one job: its network, its nodes, and the way to the cloud.

It runs as `python -S -m embedded.nodes.cell` and imports only the standard library, so that it starts in a few
hundredths of a second. When it ends, however it ends, the kernel takes all of its nodes and networks away.
"""
