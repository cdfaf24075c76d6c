"""Members that a target has no place for, put into a request, and the names that the ledger must
have for them: no more and no fewer."""

# client -> upstream -> (path of the loss, where it is put, value)
ROWS = {
    "anthropic": {
        "chat": (("top_k", 5), ("context_management", {"edits": [{"type": "clear"}]}),
                 ("diagnostics", {"previous_message_id": "x"}), ("fallbacks", [{"model": "y"}])),
        "responses": (("top_k", 1), ("stop_sequences", ["END"]),
                      ("context_management", {"edits": [{"type": "clear"}]})),
    },
    "chat": {
        "anthropic": (("seed", 7), ("logprobs", True), ("top_logprobs", 3),
                      ("presence_penalty", 0.5), ("frequency_penalty", -1),
                      ("logit_bias", {"5": 1}), ("verbosity", "low"), ("min_p", 0.1),
                      ("prediction", {"type": "content", "content": "x"})),
        "responses": (("seed", 7), ("stop", ["END"]), ("presence_penalty", 0.5),
                      ("logit_bias", {"5": 1}), ("repetition_penalty", 1.1)),
    },
    "responses": {
        "anthropic": (("truncation", "auto"), ("max_tool_calls", 3),
                      ("include", ["message.output_text.logprobs"]), ("text.verbosity", "high"),
                      ("top_logprobs", 2), ("reasoning.mode", "x")),
        "chat": (("truncation", "auto"), ("max_tool_calls", 3), ("reasoning.context", "turn"),
                 ("include", ["web_search_call.results"])),
    },
}
# What says nothing, or has no meaning beyond its own protocol: never in the ledger.
SILENT = {
    "anthropic": (("stop_sequences", []), ("tools", []), ("container", None), ("speed", None)),
    "chat": (("n", 1), ("logprobs", False), ("seed", None), ("logit_bias", {}), ("store", False),
             ("presence_penalty", 0), ("modalities", ["text"]), ("stop", [])),
    "responses": (("store", True), ("background", False), ("truncation", "disabled"),
                  ("include", ["reasoning.encrypted_content"]), ("metadata", {}),
                  ("previous_response_id", None)),
}
# Nobody takes a request with these: another protocol cannot do what they ask.
REFUSED = {
    "anthropic": (("max_tokens", 0), ("mcp_servers", [{"name": "x"}]), ("container", "c"),
                  ("thread", {"type": "create"}), ("inference_geo", "eu")),
    "chat": (("n", 2), ("audio", {"voice": "x"}), ("modalities", ["text", "audio"])),
    "responses": (("previous_response_id", "resp_1"), ("conversation", "conv_1"),
                  ("background", True), ("prompt", {"id": "p"})),
}


def put(document, path, value):
    group, dot, name = path.rpartition(".")
    if dot:
        document = document.setdefault(group, {})
    document[name if dot else path] = value


def add_thoughts(document, client, upstream, dice):
    """Thinking that another made. Where a target can't show it, it goes without a word; Chat
    Completions, which may, names it."""
    added = set()
    if client == "anthropic":
        for number, message in enumerate(document["messages"]):
            if message["role"] == "assistant" and dice.random() < 0.2:
                message["content"].insert(0, dice.choice((
                    {"type": "thinking", "thinking": "hm", "signature": "EqQB/sig=="},
                    {"type": "redacted_thinking", "data": "Emw=="})))
                added.add(f"messages[{number}].content[0]")
    if client == "responses":
        items = document["input"]
        for number in range(len(items) - 1, 0, -1):
            if items[number].get("role") == "assistant" and dice.random() < 0.3:
                items.insert(number, {
                    "type": "reasoning", "id": f"rs_{number}", "summary": [
                        {"type": "summary_text", "text": text} for text in ("a", "b")[
                            :dice.randrange(3)]], "encrypted_content": "gAAA"})
        added = {f"input[{number}]" for number, item in enumerate(items)
                 if item.get("type") == "reasoning"}
    return added if upstream == "chat" else set()


def add(document, client, upstream, dice):
    """Puts some of them into the document; the names that must be in the ledger."""
    added = add_thoughts(document, client, upstream, dice)
    for path, value in ROWS[client].get(upstream, ()):
        if dice.random() < 0.05 and path not in document:
            put(document, path, value)
            added.add(path)
    for path, value in SILENT[client]:
        if dice.random() < 0.05 and path not in document:
            put(document, path, value)
    return added
