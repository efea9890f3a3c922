"""The process that posts for a server under load: see `drsim.engine.relay`. Nobody starts it by hand."""

import socket

from drsim import machine
from drsim.engine.relay import post_for


def main(number: int) -> None:
    """Posts what comes by the socket with this number, until that is closed."""
    with socket.socket(fileno=number) as connection:
        machine.run_helper(post_for(connection))
