"""Claude Code."""

import json

import agents
import loops
import rig

FOLDER = loops.install("claude")
CLAUDE = FOLDER / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"


class Claude(agents.Agents):
    def ask(self, prompt, *flags, **env):
        # No HTTPS_PROXY here: it would suppress the HEAD that the client sends first.
        out = self.run_client(
            [CLAUDE, "-p", prompt, "--output-format", "json", "--dangerously-skip-permissions",
             *flags],
            self.environment(**{
                "IS_SANDBOX": "1", "DISABLE_AUTOUPDATER": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.rig.port}",
                **(env or {"ANTHROPIC_AUTH_TOKEN": self.rig.key})}))
        result = json.loads(out)
        self.assertFalse(result["is_error"], result)
        return result["result"], None

    def test_prefix_and_api_key(self):
        """/api before /v1/messages, and the key as x-api-key."""
        text, _ = self.ask(loops.TOOL_PROMPT, ANTHROPIC_API_KEY=self.rig.key,
                           ANTHROPIC_BASE_URL=f"http://127.0.0.1:{self.rig.port}/api")
        self.assertIn(loops.OUTPUT, text)
        self.check_loop(self.tool_turns)

    def writing(self, name, line):
        order = {"file_path": f"{self.project}/{name}", "content": line + "\n"}
        return f"[demo:tool Write {json.dumps(order)}]"

    def test_image(self):
        """Read by a tool: part of its result."""
        image = loops.png()
        path = self.write_project("noise.png", image)
        self.ask('[demo:tool Read {"file_path":"%s"}]' % path)
        self.check_loop(self.tool_turns)
        self.check_image(image)

    def test_compaction(self):
        """The summary takes the place of the conversation: what it orders is done afterwards."""
        self.ask(loops.TOOL_PROMPT)
        self.ask('/compact [demo:say "<summary>kept [demo:say after-compaction]</summary>"]',
                 "--continue")
        text, _ = self.ask("Go on.", "--continue")
        self.assertIn("after-compaction", text)
        self.check_loop(self.tool_turns + 2)
        self.assertEqual(0, self.questions()[-1].results)


class ClaudeOverChat(Claude):
    own = "chat"


class ClaudeOverResponses(Claude):
    own = "responses"


if __name__ == "__main__":
    rig.main()
