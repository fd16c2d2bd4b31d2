#!/usr/bin/env python3
"""Follow a build (or, with no build named, the fleet) on depotd's feed: docs/feed.md in twenty lines.
   feed-client.py unix:/run/user/1000/depot/depotd.sock [BUILD [AFTER]]     (Debian: python3-websocket)"""
import base64
import json
import socket
import sys

import websocket

sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1].removeprefix("unix:"))
ws = websocket.create_connection("ws://depot/v1/feed", socket=sock, subprotocols=["depot.feed.v1"])
if len(sys.argv) > 2:
    after = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    ws.send(json.dumps({"op": "subscribe", "build": sys.argv[2], "after": after}))
else:
    ws.send(json.dumps({"op": "subscribe", "scope": "fleet", "logs": True}))
while True:
    event = json.loads(ws.recv())
    print(event.get("seq", "-"), event.get("build", "fleet"), event.get("type", event.get("error")), flush=True)
    for log in event.get("status", {}).get("logs", []):
        for line in base64.b64decode(log["data"]).decode(errors="replace").splitlines():
            print("   ", line, flush=True)
    if event.get("op") == "error" or len(sys.argv) > 2 and event.get("type") == "build.finished":
        sys.exit(0 if event.get("state") == "succeeded" else 1)
