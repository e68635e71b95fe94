"""A chat that takes lines at an incoming webhook, on this machine, and misbehaves on request."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class ChatRoom:
    """In a test: `with ChatRoom() as room:`. `code` is what it answers, `delay` (seconds) how long it thinks first."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.paths: list[str] = []
        self.hosts: list[str] = []
        self.code = 200
        self.delay = 0.0
        self.location = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks/s3cret"

    def __enter__(self) -> Self:
        room = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                room.paths.append(self.path)
                room.hosts.append(self.headers["Host"])
                time.sleep(room.delay)
                if room.code == 200:
                    room.lines.append(body["text"])
                self.send_response(room.code)
                if room.location:
                    self.send_header("Location", room.location)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
