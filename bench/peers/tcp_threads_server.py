"""Peer: a thread for each connection, blocking recv and sendall: the published echo pair's first server.

Usage: tcp_threads_server.py PORT [BUFFER_BYTES]
"""
import socket
import sys
import threading

BUFFER_BYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 4096


def echo(connection):
    # Without this, a message longer than the buffer waits 40 ms for a delayed acknowledgement.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := connection.recv(BUFFER_BYTES):
            connection.sendall(data)
    except ConnectionError:
        pass  # the generator ends its connections with RST
    finally:
        connection.close()


def main(port):
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


main(int(sys.argv[1]))
