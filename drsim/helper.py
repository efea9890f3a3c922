"""The process that posts for a server under load: see `drsim.engine.relay`. Nobody starts it by hand."""

import os
import socket

import uvloop

from drsim.engine.relay import post_for


def main(number: int) -> None:
    """Posts what comes by the socket with this number, until that is closed."""
    os.nice(10)  # where processors are scarce, the server and its API go first
    with socket.socket(fileno=number) as connection:
        uvloop.run(post_for(connection))
