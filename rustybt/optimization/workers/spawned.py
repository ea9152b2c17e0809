"""What does a worker do that was started as a fresh interpreter?"""

import os
import socket
import sys
import threading
from multiprocessing.connection import Connection

from rustybt.optimization.workers.worker import become_worker, flush_output, serve


def main(port: int) -> None:
    """Call the driver back, show the secret that came over standard input, and serve until it hangs up.

    Parameters
    ----------
    port : int
        Where the driver listens on the loopback interface.
    """
    secret = sys.stdin.buffer.read(32)
    become_worker()
    threading.Thread(target=exit_without_driver, daemon=True).start()
    caller = socket.create_connection(("127.0.0.1", port))
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with Connection(caller.detach()) as connection:
        connection.send_bytes(secret)
        serve(connection)
    flush_output()
    os._exit(0)  # what user code left behind, threads too, must not keep the process


def exit_without_driver() -> None:
    """End the process when the driver's end of standard input closes, even in the middle of a backtest."""
    os.read(0, 1)
    os._exit(1)
