"""Upstreams that take their time. One has told the end of its answer and does not hang up: its client has
the end at once, in whatever form it asked, over each protocol; older clients of Responses go on only at the
end of the body. Another is quiet in the middle of an answer."""

import contextlib
import itertools
import socket
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import rig
from protocols import PROTOCOLS, ask, events, read, said

LISTS = {"anthropic": "claude", "responses": "codex", "chat": "chat"}
HEAD = (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
ANSWERS = {
    "anthropic": (
        ("message_start", '"message":{"id":"m","type":"message","role":"assistant","model":"x",'
                          '"content":[],"usage":{"input_tokens":5,"output_tokens":1}}'),
        ("content_block_start", '"index":0,"content_block":{"type":"text","text":""}'),
        ("content_block_delta", '"index":0,"delta":{"type":"text_delta","text":"hello"}'),
        ("content_block_stop", '"index":0'),
        ("message_delta", '"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}'),
        ("message_stop", "")),
    "chat": (
        (None, '"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,'
               '"delta":{"role":"assistant","content":"hello"},"finish_reason":null}]'),
        (None, '"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,'
               '"delta":{},"finish_reason":"stop"}]'),
        (None, None)),
    "responses": (
        ("response.created", '"response":{"id":"r","model":"x","status":"in_progress","output":[]}'),
        ("response.output_item.added", '"output_index":0,"item":{"type":"message","id":"m",'
                                       '"role":"assistant","content":[]}'),
        ("response.output_text.delta", '"output_index":0,"content_index":0,"delta":"hello"'),
        ("response.completed", '"response":{"id":"r","model":"x","status":"completed","output":[],'
                               '"usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8}}')),
}


PAUSED = (
    ANSWERS["anthropic"][0],
    ("content_block_start", '"index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1",'
                            '"name":"web_search","input":{"query":"q"}}'),
    ("content_block_stop", '"index":0'),
    ("content_block_start", '"index":1,"content_block":{"type":"web_search_tool_result",'
                            '"tool_use_id":"srvtoolu_1","content":[]}'),
    ("content_block_stop", '"index":1'),
    ("message_delta", '"delta":{"stop_reason":"pause_turn"},"usage":{"output_tokens":3}'),
    ("message_stop", ""))


def stream(answer):
    out = ""
    for name, members in answer:
        if members is None:
            out += "data: [DONE]\n\n"
        elif name is None:
            out += f"data: {{{members}}}\n\n"
        else:
            more = "," + members if members else ""
            out += f'event: {name}\ndata: {{"type":"{name}"{more}}}\n\n'
    return out.encode()


class Lingering:
    """Answers each connection once, and keeps it open until the other side hangs up; the last answer
    again and again."""

    def __init__(self, *answers):
        self.bodies = [stream(answer) for answer in answers]
        self.asked = 0
        self.closed = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            connection.settimeout(30)
            data = b""
            while b"\r\n\r\n" not in data or not data.rstrip().endswith(b"}"):
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            body = self.bodies[min(self.asked, len(self.bodies) - 1)]
            self.asked += 1
            self.send(connection, body)
            try:
                connection.recv(1)
            except OSError:
                pass  # the other side has reset it

    def send(self, connection, body):
        connection.sendall(HEAD + b"%x\r\n%s\r\n" % (len(body), body))

    def close(self):
        self.closed.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


class Quiet(Lingering):
    """Says nothing but comments for longer than conversion keeps silent, in the middle of its answer."""

    SECONDS = 11

    def send(self, connection, body):
        at = body.index(b"\n\n", body.index(b"hello")) + 2
        parts = [body[:at]] + [b": alive\n\n"] * self.SECONDS + [body[at:]]
        connection.sendall(HEAD)
        for part in parts:
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            self.closed.wait(1)


class Linger(unittest.TestCase):
    @contextlib.contextmanager
    def all_ways(self, kind):
        """Each client's protocol over a server of this kind for each upstream's: by the model's name."""
        servers = {protocol: kind(ANSWERS[protocol]) for protocol in PROTOCOLS}
        lists = {LISTS[client]: [
            rig.upstream(f"{client}-{upstream}", protocol=upstream, models=[upstream],
                         base_url=f"http://127.0.0.1:{servers[upstream].port}")
            for upstream in PROTOCOLS] for client in PROTOCOLS}
        try:
            with rig.Rig(rig.config(**lists, **rig.plain())) as running:
                yield running
        finally:
            for server in servers.values():
                server.close()

    def test_the_end_is_passed_on_at_once(self):
        with self.all_ways(Lingering) as running:
            for client, upstream, streams in itertools.product(PROTOCOLS, PROTOCOLS, (True, False)):
                with self.subTest(client=client, upstream=upstream, streams=streams):
                    self.one(running, client, upstream, streams)

    def test_a_quiet_upstream_is_a_sign_of_life(self):
        """In the form that each client's idle timer counts, once something has come and before the
        next: Codex counts events alone, and Anthropic's grammar has a ping."""
        signs = {"anthropic": b"event: ping\n", "chat": b": keepalive\n\n",
                 "responses": b"event: keepalive\n"}
        ways = [way for way in itertools.product(PROTOCOLS, PROTOCOLS) if way[0] != way[1]]
        with self.all_ways(Quiet) as running, ThreadPoolExecutor(len(ways)) as pool:
            told = pool.map(lambda way: running.post(way[0], body=ask(way[0], model=way[1])), ways)
            for (client, upstream), answer in zip(ways, told):
                with self.subTest(client=client, upstream=upstream):
                    self.assertEqual("hello", said(client, answer))
                    self.assertEqual(1, bytes(answer.body).count(signs[client]), answer)
                    numbers = [read(data).get("sequence_number") for _, data in events(answer.body)]
                    if client == "responses":
                        self.assertEqual(list(range(len(numbers))), numbers)

    def test_an_answer_that_was_paused_goes_on(self):
        for streams in (True, False):
            server = Lingering(PAUSED, ANSWERS["anthropic"])
            only = rig.upstream("a", protocol="anthropic", base_url=f"http://127.0.0.1:{server.port}")
            try:
                with rig.Rig(rig.config(chat=[only], **rig.plain())) as running:
                    answer = running.post("chat", body=ask("chat", stream=streams, web_search_options={}))
                    self.assertEqual("hello", said("chat", answer, streams))
                    self.assertEqual(2, server.asked)
            finally:
                server.close()

    def one(self, running, client, upstream, streams):
        began = time.monotonic()
        answer = running.post(client, body=ask(client, stream=streams, model=upstream))
        self.assertEqual((200, True), (answer.status, answer.whole), answer)
        self.assertEqual("hello", said(client, answer, streams))
        # 0.05 s are meant; the rest is for a loaded machine, far from the seconds of a deadline.
        self.assertLess(time.monotonic() - began, 1.5)


if __name__ == "__main__":
    rig.main()
