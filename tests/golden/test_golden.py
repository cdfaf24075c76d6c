"""Exact texts that others build on, compared with files here: what clients are told when they are
refused, and which bytes an upstream gets for a request. PM_GOLDEN=write renews the files; look at the
difference before keeping it."""

import os
import re
import socket
import threading
from pathlib import Path

import rig
from protocols import PATHS, PROTOCOLS, ask
from wire import request

HERE = Path(__file__).resolve().parent
ANSWER = (b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 21\r\n"
          b"Connection: close\r\n\r\n" + b'{"error":{"x":"end"}}')

CLAUDE = (
    ("Accept", "application/json"), ("Content-Type", "application/json"),
    ("User-Agent", "claude-cli/2.1.330 (external, sdk-cli)"),
    ("X-Claude-Code-Session-Id", "f589cd44-1d78-417d-8b9c-343071952453"),
    ("X-Stainless-Lang", "js"), ("X-Stainless-Retry-Count", "0"), ("X-Stainless-Timeout", "600"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"),
    ("anthropic-dangerous-direct-browser-access", "true"), ("anthropic-version", "2023-06-01"),
    ("x-app", "cli"), ("Connection", "keep-alive"), ("Accept-Encoding", "gzip, deflate, br, zstd"))
CODEX = (
    ("accept", "text/event-stream"), ("content-type", "application/json"),
    ("user-agent", "codex_exec/0.169.0 (Debian 12.0.0; x86_64)"), ("originator", "codex_exec"),
    ("session_id", "0199aaaa"), ("x-codex-turn-metadata", "{}"), ("version", "0.169.0"))


class RawUpstream(threading.Thread):
    """Keeps the bytes of each request and answers a 400, which is final."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.seen = []
        self.start()

    def run(self):
        while True:
            client, _ = self.server.accept()
            data = b""
            while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < int(
                    re.search(rb"(?i)content-length: (\d+)", data).group(1)):
                data += client.recv(65536)
            self.seen.append(data)
            client.sendall(ANSWER)
            client.close()


def fixed(text, running, port=0):
    """What differs from run to run is named."""
    text = re.sub(r"req_[0-9a-f]{24}", "req_ID", text)
    text = re.sub(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", "DATE", text)
    for canary in running.canaries:
        text = text.replace(canary, "UPSTREAM-KEY")
    return text.replace(str(port), "PORT") if port else text


class Golden(rig.Case):
    config = rig.config(claude=["a"], server={"body_limit_mib": 1})

    def compare(self, name, text):
        file = HERE / name
        if os.environ.get("PM_GOLDEN") == "write":
            file.write_text(text, encoding="utf-8")
        self.maxDiff = None
        self.assertMultiLineEqual(file.read_text(encoding="utf-8"), text)

    def test_refusals(self):
        lines = []
        key = {"x-api-key": self.rig.key}
        big = b'"' + b"x" * (1 << 20) + b'"'
        for protocol in PROTOCOLS:
            path, body = PATHS[protocol], ask(protocol)
            for name, answer in (
                    ("no key", self.rig.call("POST", path, {}, body)),
                    ("wrong key", self.rig.call("POST", path, {"x-api-key": "wrong"}, body)),
                    ("two keys", self.rig.call("POST", path, {**key, "api-key": "x"}, body)),
                    ("broken body", self.rig.call("POST", path, key, body[:-1])),
                    ("wrong method", self.rig.call("GET", path, key)),
                    ("big body", self.rig.call("POST", path, key, big)),
                    ("unknown coding", self.rig.call("POST", path, {
                        **key, "Content-Encoding": "br"}, body)),
                    ("bad coding", self.rig.call("POST", path, {
                        **key, "Content-Encoding": "gzip"}, body)),
                    ("websocket", self.rig.call("GET", path, {
                        **key, "Connection": "Upgrade", "Upgrade": "websocket"}))):
                lines += [f"## {protocol}: {name}", str(answer.status)]
                lines += [f"{header}: {value}" for header, value in answer.headers]
                lines += [answer.body.decode(), ""]
        self.compare("refusals.txt", fixed("\n".join(lines), self.rig))

    def test_requests_to_upstreams(self):
        upstream = RawUpstream()
        url = f"http://127.0.0.1:{upstream.port}"
        lists = {name: [rig.upstream("raw", base_url=url + base)] for name, base in
                 (("claude", ""), ("chat", "/v1/"), ("codex", "/openai/v1"))}
        with rig.Rig(rig.config(**lists)) as running:
            for path, protocol, headers in (
                    ("/v1/messages?beta=true", "anthropic", CLAUDE),
                    ("/v1/chat/completions", "chat", (("User-Agent", "OpenAI/JS 6.49.0"),)),
                    ("/openai/responses", "responses", CODEX)):
                with running.wire() as wire:
                    wire.send(request("POST", path, ask(protocol), (
                        *headers, ("Authorization", f"Bearer {running.key}"))))
                    wire.answer()
            text = "\n\n".join(data.decode() for data in upstream.seen).replace("\r\n", "\n")
            self.compare("requests.txt", fixed(text + "\n", running, upstream.port))


if __name__ == "__main__":
    rig.main()
