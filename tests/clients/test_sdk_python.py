"""The openai package of PyPI."""

import json

import loops
import rig

FOLDER = loops.install("sdk-python")


class Sdk(loops.Loops):
    protocol, mode = "chat", "stream"

    @classmethod
    def setUpClass(cls):
        if cls is Sdk:
            raise rig.unittest.SkipTest("only its subclasses run")
        super().setUpClass()

    def ask(self, prompt):
        out = self.run_client(
            [FOLDER / "venv/bin/python", loops.HERE / "sdk_loop.py", self.protocol, self.mode],
            self.environment(BASE=f"http://127.0.0.1:{self.rig.port}/v1", KEY=self.rig.key,
                             PROMPT=prompt, HTTPS_PROXY=loops.CLOSED))
        result = json.loads(out)
        return result["text"], result["ran"] or None


class ChatStream(Sdk):
    pass


class ChatWhole(Sdk):
    mode = "whole"


class ResponsesStream(Sdk):
    protocol = "responses"


class ResponsesWhole(Sdk):
    protocol, mode = "responses", "whole"


for base in (ChatStream, ChatWhole, ResponsesStream, ResponsesWhole):
    for own in ("anthropic", "chat", "responses"):
        if own != base.protocol:
            name = f"{base.__name__}Over{own.capitalize()}"
            globals()[name] = type(name, (base,), {"own": own, "short": True})
del base


if __name__ == "__main__":
    rig.main()
