"""Codex CLI, by a provider of one's own and by its built-in one (which tries a WebSocket first)."""

import json
import os
import time

import agents
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
model_auto_compact_token_limit = 100000
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
COMPACTED = '[demo:then][demo:say "kept [demo:say after-compaction]"]'


class Codex(agents.Agents):
    protocol = "responses"

    def ask(self, prompt, settings=OWN, flags=()):
        folder = f"{self.home}/codex"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/config.toml", "w", encoding="utf-8") as file:
            file.write(settings.format(port=self.rig.port))
        env = self.environment(CODEX_HOME=folder, POINTSMAN_KEY=self.rig.key,
                               CODEX_API_KEY=self.rig.key, HTTPS_PROXY=loops.CLOSED)
        last = f"{self.home}/last"
        self.run_client([CODEX, "exec", "--skip-git-repo-check", "-o", last, *flags, prompt], env)
        with open(last, encoding="utf-8") as file:
            return file.read(), None

    def test_built_in_provider(self):
        """Its WebSocket is refused at once, so that it does not lose seconds on it."""
        began = time.monotonic()
        text, _ = self.ask(loops.TOOL_PROMPT, BUILT_IN)
        self.assertIn(loops.OUTPUT, text)
        self.check_loop(self.tool_turns)
        self.assertLess(time.monotonic() - began, 20)

    def patch(self, name, line):
        return f"*** Begin Patch\n*** Add File: {name}\n+{line}\n*** End Patch\n"

    def writing(self, name, line):
        """Free-form for us and for upstreams that have it, a function for the others."""
        return f"[demo:custom apply_patch {json.dumps(self.patch(name, line))}]"

    def test_apply_patch_by_function(self):
        """In the arguments of the shell, which is a function for everybody."""
        command = f"apply_patch <<'END'\n{self.patch('written.txt', 'made')}END\n"
        self.ask(f"[demo:shell {json.dumps(command)}]")
        self.assertEqual("made\n", (self.project / "written.txt").read_text())
        self.check_loop(self.tool_turns)

    def test_images(self):
        """One by the user, one by a tool."""
        image = loops.png()
        path = self.write_project("noise.png", image)
        self.ask('[demo:tool view_image {"path":"%s"}]' % path, flags=("-i", path, "--"))
        self.check_loop(self.tool_turns)
        self.check_image(image, 2)

    def check_compaction(self, settings):
        """The context seems full after the first turn. The summary takes the place of the
        conversation: what it orders is done afterwards."""
        self.fail_first("usage:normal;in=300000")
        text, _ = self.ask(loops.TOOL_PROMPT + COMPACTED, settings)
        self.assertEqual("after-compaction", text.strip())
        self.check_loop(self.tool_turns + 1)
        self.assertEqual([0, 1, 0], [call.results for call in self.questions()])

    def test_compaction(self):
        """By a question in words."""
        self.check_compaction(OWN)

    def test_compaction_by_the_server(self):
        """The built-in provider leaves it to the server, which gives it an item."""
        self.check_compaction(BUILT_IN)


class CodexOverAnthropic(Codex):
    own = "anthropic"


class CodexOverChat(Codex):
    own = "chat"


if __name__ == "__main__":
    rig.main()
