"""A HTTP/1.1 client that does exactly what it is told: bytes out, bytes in, nothing mended."""

import socket
import struct

TIMEOUT_S = 30


class Broken(Exception):
    """The connection ended, or what came is no HTTP."""


class Answer:
    def __init__(self):
        self.status = 0
        self.headers = []   # (name in lower case, value)
        self.body = bytearray()  # decoded from its framing
        self.chunked = False
        self.whole = False  # the framing's own end was seen
        self.interim = []   # 1xx before it

    def header(self, name):
        values = [value for key, value in self.headers if key == name]
        return values[0] if values else None

    def __repr__(self):
        end = "whole" if self.whole else "cut"
        return f"<{self.status} {end} {self.headers} {self.body[:400]!r}>"


def request(method, path, body=b"", headers=(), length=True):
    """The bytes of a request; `headers` are (name, value) pairs or a dict."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    lines = [f"{method} {path} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in pairs):
        lines.append("Host: localhost")
    lines += [f"{name}: {value}" for name, value in pairs]
    if length and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Wire:
    secrets = ()  # no answer may hold one of these; the rig fills it

    def __init__(self, port, host="127.0.0.1", receive_buffer=None, timeout=TIMEOUT_S):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.tail = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *slices):
        for data in slices:
            self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def receive(self):
        """Adds to the buffer; False at the end of the stream."""
        try:
            data = self.socket.recv(262144)
        except ConnectionError as error:
            raise Broken(f"reset: {error}") from error
        except TimeoutError as error:
            raise Broken(f"nothing came for {self.socket.gettimeout()} s") from error
        seen = self.tail + data
        for secret in self.secrets:
            if secret in seen:
                raise AssertionError(f"a secret in an answer: {seen[:2000]!r}")
        self.tail = seen[-256:]
        self.buffer += data
        return bool(data)

    def take_until(self, mark):
        while mark not in self.buffer:
            if not self.receive():
                raise Broken(f"the connection ended; it had sent {self.buffer[:200]!r}")
        taken = self.take(self.buffer.index(mark))
        del self.buffer[:len(mark)]
        return taken

    def take(self, count):
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def head(self, answer=None):
        """Reads one head; 1xx are noted and passed over."""
        answer = answer or Answer()
        lines = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise Broken(f"not HTTP: {lines[0]!r}")
        if status.startswith("1"):
            answer.interim.append(int(status))
            return self.head(answer)
        answer.status = int(status)
        for line in lines[1:]:
            name, value = line.split(":", 1)
            answer.headers.append((name.lower(), value.strip()))
        answer.chunked = answer.header("transfer-encoding") == "chunked"
        return answer

    def pieces(self, answer, bodyless=False):
        """The body as it comes; afterwards answer.whole tells whether it ended properly."""
        length = answer.header("content-length")
        if bodyless or answer.status in (204, 304):
            answer.whole = True
        elif answer.chunked:
            yield from self.chunks(answer)
        else:
            left = int(length) if length is not None else None
            while left is None or left > 0:
                if not self.buffer and not self.receive():
                    break
                piece = self.take(len(self.buffer) if left is None else left)
                left = None if left is None else left - len(piece)
                answer.body += piece
                yield piece
            answer.whole = left in (None, 0)

    def chunks(self, answer):
        try:
            while True:
                size = int(self.take_until(b"\r\n").split(b";")[0], 16)
                while len(self.buffer) < size + 2:
                    if not self.receive():
                        return
                piece = self.take(size)
                if (end := self.take(2)) != b"\r\n":
                    raise Broken(f"no line end behind a chunk: {end!r}")
                if size == 0:
                    answer.whole = True
                    return
                answer.body += piece
                yield piece
        except Broken as broken:
            if "no line end" in str(broken) or "nothing came" in str(broken):
                raise

    def answer(self, bodyless=False):
        """One whole answer (or what there was of it: see .whole)."""
        answer = self.head()
        for _ in self.pieces(answer, bodyless):
            pass
        return answer

    def ended(self):
        """The server closed the connection and sent nothing more."""
        try:
            return not self.buffer and not self.receive()
        except Broken as broken:
            return "reset" in str(broken)
