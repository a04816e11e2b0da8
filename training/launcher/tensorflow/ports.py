"""Ports that belong to a task until its node lets go of them."""

import socket


def reserve() -> socket.socket:
    """A port that nobody else is given, while TensorFlow can listen on it.

    Linux lets two sockets that may reuse an address share a port as long as one of them listens at most, and hands
    it out to no third one. A new start of the tasks takes new ports: nobody of the start before can speak to it.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("", 0))
    return holder
