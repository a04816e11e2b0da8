"""`python -m serving.worker LINE`: what the front starts, with the number of the line's file."""

import socket
import sys

from serving.worker.zygote import run

if __name__ == "__main__":
    run(socket.socket(fileno=int(sys.argv[1])))
