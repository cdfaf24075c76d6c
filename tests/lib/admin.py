"""Who uses the admin API: a browser with a session, or a script with a token."""

import json

import rig
from wire import Wire, request


class Caller:
    """One who asks; every answer is kept for those who look for secrets in them."""

    def __init__(self, port, token=None, host="localhost:1"):
        self.port, self.host = port, host
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.bodies = []

    def login(self, token):
        answer = self.patient("POST", "/api/login", {"token": token})
        assert answer.status == 200, answer
        self.headers = {"Cookie": answer.header("set-cookie").split(";")[0],
                        "X-CSRF-Token": answer.json["csrf_token"]}
        return answer.json

    def ask(self, method, path, body=None, raw=None, **headers):
        """The answer, with .json where it is JSON."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {"Host": self.host, **self.headers, **more}.items()
                if value is not None}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if method != "GET" and "Content-Type" not in more:
            sent["Content-Type"] = "application/json"
        with Wire(self.port) as wire:
            wire.send(request(method, path, data, sent,
                              length=method not in ("GET", "HEAD") or bool(data)))
            answer = wire.answer(bodyless=method == "HEAD")
        self.bodies.append(bytes(answer.body))
        kind = answer.header("content-type") or ""
        answer.json = json.loads(answer.body) if kind.startswith("application/json") and \
            answer.body else None
        return answer

    def patient(self, method, path, body=None):
        """Others may have used up the tries: asked until there is one."""
        answer = rig.wait_for(lambda: (found := self.ask(method, path, body)).status != 429 and found,
                              "a try is left")
        return answer

    def good(self, method, path, body=None, status=200, **headers):
        """The JSON of an answer that must be good."""
        answer = self.ask(method, path, body, **headers)
        assert answer.status == status, (method, path, body, answer)
        return answer.json

    def get(self, path):
        return self.good("GET", path)
