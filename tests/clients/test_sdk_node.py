"""The openai and @anthropic-ai/sdk packages of npm."""

import json

import loops
import rig

FOLDER = loops.install("sdk-node")


class Sdk(loops.Loops):
    @classmethod
    def setUpClass(cls):
        if cls is Sdk:
            raise rig.unittest.SkipTest("only its subclasses run")
        super().setUpClass()

    def ask(self, prompt):
        base = f"http://127.0.0.1:{self.rig.port}" + ("" if self.protocol == "anthropic" else "/v1")
        out = self.run_client(
            ["node", loops.HERE / "sdk_loop.mjs", self.protocol, self.mode],
            self.environment(BASE=base, KEY=self.rig.key, PROMPT=prompt, SDKS=str(FOLDER),
                             HTTPS_PROXY=loops.CLOSED))
        result = json.loads(out)
        return result["text"], result["ran"] or None


class AnthropicStream(Sdk):
    pass


class AnthropicWhole(Sdk):
    mode = "whole"


class ChatStream(Sdk):
    protocol = "chat"


class ChatWhole(Sdk):
    protocol, mode = "chat", "whole"


class ResponsesStream(Sdk):
    protocol = "responses"


class ResponsesWhole(Sdk):
    protocol, mode = "responses", "whole"


for base in (AnthropicStream, AnthropicWhole, ChatStream, ChatWhole, ResponsesStream, ResponsesWhole):
    for own in ("anthropic", "chat", "responses"):
        if own != base.protocol:
            name = f"{base.__name__}Over{own.capitalize()}"
            globals()[name] = type(name, (base,), {"own": own, "short": True})
del base


if __name__ == "__main__":
    rig.main()
