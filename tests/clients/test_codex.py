"""Codex CLI, by a provider of one's own and by its built-in one (which tries a WebSocket first)."""

import os
import time

import loops
import rig

FOLDER = loops.install("codex")
CODEX = FOLDER / ("node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/"
                  "bin/codex")

COMMON = """
model = "gpt-5.5"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
"""
OWN = COMMON + """
model_provider = "pointsman"
[analytics]
enabled = false
[model_providers.pointsman]
name = "Pointsman"
base_url = "http://127.0.0.1:{port}/openai"
wire_api = "responses"
env_key = "POINTSMAN_KEY"
"""
BUILT_IN = COMMON + """
openai_base_url = "http://127.0.0.1:{port}/openai/v1"
[analytics]
enabled = false
"""


class Codex(loops.Loops):
    protocol = "responses"

    def ask(self, prompt, settings=OWN):
        folder = f"{self.home}/codex"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/config.toml", "w", encoding="utf-8") as file:
            file.write(settings.format(port=self.rig.port))
        env = self.environment(CODEX_HOME=folder, POINTSMAN_KEY=self.rig.key,
                               CODEX_API_KEY=self.rig.key, HTTPS_PROXY=loops.CLOSED)
        last = f"{self.home}/last"
        self.run_client([CODEX, "exec", "--skip-git-repo-check", "-o", last, prompt], env)
        with open(last, encoding="utf-8") as file:
            return file.read(), None

    def test_built_in_provider(self):
        """Its WebSocket is refused at once, so that it does not lose seconds on it."""
        began = time.monotonic()
        text, _ = self.ask(loops.TOOL_PROMPT, BUILT_IN)
        self.assertIn(loops.OUTPUT, text)
        self.check_loop(self.tool_turns)
        self.assertLess(time.monotonic() - began, 20)


class CodexOverAnthropic(Codex):
    own = "anthropic"


class CodexOverChat(Codex):
    own = "chat"


if __name__ == "__main__":
    rig.main()
