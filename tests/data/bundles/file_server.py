"""A server on this machine that gives files, and misbehaves as it is told."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """A request that came."""

    path: str
    headers: dict
    at: float


class FileServer(ThreadingHTTPServer):
    """Gives `files` by path; `acts` of a path are functions of the handler, each of which answers one request first.

    A file has the entity tag `etags[path]`, where there is one, and ranges of it are given then.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.acts, self.etags = {}, {}, {}
        self.asked, self.lock = [], threading.Lock()
        self.busy = self.most_busy = 0
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def paths(self):
        return sorted(one.path for one in self.asked)

    def handle_error(self, request, client_address):
        """Clients go away before they were told all: that is what is tested."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            server.asked.append(Asked(self.path, dict(self.headers), time.monotonic()))
            server.busy += 1
            server.most_busy = max(server.most_busy, server.busy)
            acts = server.acts.get(self.path, [])
            act = acts.pop(0) if acts else give
        try:
            act(self)
        finally:
            with server.lock:
                server.busy -= 1

    def log_message(self, *_):
        """Say nothing."""


def answer(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in {"Content_Length": len(body), **headers}.items():
        if value is not None:
            handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def give(handler):
    """Give the file, or its rest where that was asked for on the condition that it is the same."""
    server, path = handler.server, handler.path
    if path not in server.files:
        return answer(handler, 404)
    body, etag = server.files[path], server.etags.get(path)
    span, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
    if span is None or condition != etag:
        return answer(handler, 200, body, ETag=etag)
    first = int(span.removeprefix("bytes=").removesuffix("-"))
    where = f"bytes {first}-{len(body) - 1}/{len(body)}"
    return answer(handler, 206, body[first:], ETag=etag, Content_Range=where)


def status(code, **headers):
    return lambda handler: answer(handler, code, b"no", **headers)


def cut(count, length=True):
    """Give the first bytes only, with or without saying how many there should be."""

    def act(handler):
        body = handler.server.files[handler.path]
        etag = handler.server.etags.get(handler.path)
        answer(handler, 200, b"", Content_Length=len(body) if length else None, Connection="close", ETag=etag)
        handler.wfile.write(body[:count])
        handler.close_connection = True

    return act


def stall(count, seconds=5.0):
    """Give the first bytes, and then nothing."""

    def act(handler):
        body = handler.server.files[handler.path]
        answer(handler, 200, b"", Content_Length=len(body), ETag=handler.server.etags.get(handler.path))
        handler.wfile.write(body[:count])
        handler.wfile.flush()
        handler.server.released.wait(seconds)
        handler.close_connection = True

    return act


def drip(step_s):
    """Give a byte at a time."""

    def act(handler):
        body = handler.server.files[handler.path]
        answer(handler, 200, b"", Content_Length=len(body))
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if handler.server.released.wait(step_s):
                break
        handler.close_connection = True

    return act


def chunked(*chunks, whole=True):
    def act(handler):
        answer(handler, 200, b"", Content_Length=None, Transfer_Encoding="chunked")
        for chunk in (*chunks, *([b""] if whole else [])):
            handler.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        handler.close_connection = True

    return act


def slow(seconds):
    def act(handler):
        time.sleep(seconds)
        give(handler)

    return act


@contextmanager
def running():
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
