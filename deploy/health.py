"""Asks this container's own service whether it is ready: exit code 0, or 1 and what it says.

A bare socket, and Python without its site packages: this runs for as long as the container does.
"""

import socket
import sys

ADDRESS = ("127.0.0.1", 8000)


def main() -> int:
    """0 when /health/ready answers 200. Prints the parts, which `docker inspect` keeps."""
    try:
        with socket.create_connection(ADDRESS, timeout=4) as connection:
            connection.sendall(b"GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    sys.stdout.write(body.decode(errors="replace") + "\n")
    return 0 if head.split(b" ")[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
