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
ws = websocket.create_connection("ws://depot/v1/feed", socket=sock, subprotocols=["depot.feed.v2"])
if len(sys.argv) > 2:
    after = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    ws.send(json.dumps({"id": 1, "op": "subscribe", "build": sys.argv[2], "after": after}))
else:
    ws.send(json.dumps({"id": 1, "op": "subscribe", "scope": "fleet", "logs": True}))
while True:
    message = json.loads(ws.recv())
    if "error" in message and "id" in message:
        sys.exit(message["error"]["message"])
    if "type" not in message:  # the subscription was accepted
        continue
    print(message.get("seq", "-"), message.get("build", "fleet"), message["type"], flush=True)
    for log in message.get("status", {}).get("logs", []):
        for line in base64.b64decode(log["data"]).decode(errors="replace").splitlines():
            print("   ", line, flush=True)
    if len(sys.argv) > 2 and message["type"] == "build.finished":
        sys.exit(0 if message["state"] == "succeeded" else 1)
