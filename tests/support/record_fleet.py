#!/usr/bin/python3
"""Write depotd's fleet feed to a file, until it is stopped or large: a recording for depot-top --replay.

    record_fleet.py SOCKET FILE

Needs python3-websocket.
"""
import json
import signal
import socket
import sys

import websocket


# Of recordings that are kept in the repository.
SIZE_MAX = 290000


def main():
    size = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(sys.argv[1])
    ws = websocket.create_connection("ws://depot/v1/feed", socket=sock,
                                     subprotocols=["depot.feed.v1"])
    ws.send(json.dumps({"op": "subscribe", "scope": "fleet", "logs": True}))
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        while True:
            line = ws.recv()
            size += len(line) + 1
            if size > SIZE_MAX:
                break
            if '"type":' in line:
                out.write(line + "\n")
                out.flush()


if __name__ == "__main__":
    main()
