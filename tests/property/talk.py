"""Conversations that chance makes, in no protocol's words, and as requests of each protocol.

A conversation is a dict: "system" (texts), "turns" (lists of parts: see below), "tools", and
parameters. Parts: ("text", text, mark), ("image", type or "url", data), ("pdf", title, data),
("call", number, tool, input), ("result", number, is_error, texts), in turns of a role. Tools:
(kind, name, space, description, schema, strict)."""

from source import Raw, object_text, text, write

EFFORTS = ("low", "medium", "high", "xhigh", "max")
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"


def maybe(chance, value, odds=0.3):
    return value() if chance.random() < odds else None


def make_name(chance, number):
    kind = chance.randrange(6)
    if kind == 0:
        return f"mcp__server_with_a_name__{'x' * chance.randrange(20, 70)}_{number}"
    return (f"tool_{number}", f"ns.tool{number}", f"wérk-{number}", f"T{number}" + "y" * 61,
            f"a{number}")[kind - 1]


def make_schema(chance, wide=True):
    names = chance.sample(("path", "z", "a", "ü"), chance.randrange(4))
    members = ",".join(f'"{name}":{{"type":"string"}}' for name in names)
    big = ',"maximum":9007199254740993' if wide and chance.random() < 0.2 else ""
    needed = "" if wide else ",".join(f'"{name}"' for name in names)
    return Raw(f'{{"type":"object","properties":{{{members}}},"required":[{needed}],'
               f'"additionalProperties":false{big}}}')


def make_tools(chance, wire):
    tools = []
    for number in range(chance.choice((0, 1, 1, 2, 4))):
        custom = wire != "anthropic" and chance.random() < 0.2
        space = "files" if wire == "responses" and not custom and chance.random() < 0.2 else ""
        strict = not custom and chance.random() < 0.2
        tools.append(("custom" if custom else "function", make_name(chance, number), space,
                      maybe(chance, lambda: text(chance), 0.7),
                      None if custom else make_schema(chance, wide=not strict), strict))
    return sorted(tools, key=lambda tool: tool[2])  # those of a namespace stand together


def make_id(chance, number):
    return chance.choice((f"call_{number}", f"toolu_{number:024}", f"call:{number}/ü",
                          f"call_{number}_" + "z" * chance.choice((30, 60, 1300))))


def user_part(chance, wire):
    kind = chance.randrange(8)
    if kind == 0:
        return "image", "url", f"https://e.org/{chance.randrange(99)}.png"
    if kind == 1:
        return "image", "image/png", PNG
    if kind == 2 and wire != "plain":
        return "pdf", f"t{chance.randrange(9)}.pdf", PDF
    return "text", text(chance), chance.random() < 0.1


def make_round(chance, tools, first):
    """An assistant turn with calls, and the turn with their results."""
    parts = [("text", text(chance), False)] if chance.random() < 0.6 else []
    calls, results = [], []
    for number in range(first, first + chance.choice((1, 1, 2, 3))):
        tool = chance.randrange(len(tools))
        custom = tools[tool][0] == "custom"
        calls.append(("call", number, tool, text(chance) if custom else object_text(chance)))
        results.append(("result", number, chance.random() < 0.15,
                        [text(chance) for _ in range(chance.choice((0, 1, 1, 1, 2)))]))
    chance.shuffle(results)
    return parts + calls, results


def make_turns(chance, wire, tools):
    turns = [("user", [user_part(chance, wire) for _ in range(chance.choice((1, 1, 2, 3)))])]
    calls = 0
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        if tools and chance.random() < 0.6:
            said, results = make_round(chance, tools, calls)
            calls += len(results)
            more = [user_part(chance, wire)] if chance.random() < 0.3 else []
            turns += [("assistant", said), ("user", results + more)]
        else:
            said = [("text", text(chance), False) for _ in range(chance.choice((1, 1, 2)))]
            turns += [("assistant", said), ("user", [user_part(chance, wire)])]
        if chance.random() < 0.1:
            turns += [("system", [("text", text(chance), False)]),
                      ("user", [user_part(chance, wire)])]
    return turns, [make_id(chance, number) for number in range(calls)]


def cap_marks(talk):
    """Four at most, as every protocol demands."""
    left = 4
    def cap(part):
        nonlocal left
        if part[0] != "text" or not part[2]:
            return part
        left -= 1
        return part if left >= 0 else (*part[:2], False)
    talk["system"] = [cap(part) for part in talk["system"]]
    talk["turns"] = [(role, [cap(part) for part in parts]) for role, parts in talk["turns"]]


def make(chance, wire):
    tools = make_tools(chance, wire)
    turns, ids = make_turns(chance, wire, tools)
    one = tools and chance.randrange(len(tools))
    talk = {
        "system": [("text", text(chance), chance.random() < 0.2)
                   for _ in range(chance.choice((0, 1, 2)))],
        "turns": turns, "ids": ids, "tools": tools,
        "choice": maybe(chance, lambda: chance.choice(("auto", "none", "any", one))) if tools
        else None,
        "serial": bool(tools) and chance.random() < 0.2,
        "max_tokens": chance.choice((16, 1000, 63999)),
        "temperature": maybe(chance, lambda: Raw(chance.choice(("0", "0.5", "1.0", "0.20")))),
        "top_p": maybe(chance, lambda: Raw("0.90"), 0.2),
        "stops": maybe(chance, lambda: [text(chance) for _ in range(chance.randrange(1, 5))], 0.2),
        "effort": maybe(chance, lambda: chance.choice(EFFORTS)),
        "schema": maybe(chance, lambda: make_schema(chance, wide=False), 0.1),
        "user": maybe(chance, lambda: f"user-{chance.randrange(99)}", 0.2),
        "default_tier": chance.random() < 0.1,
        "stream": chance.random() < 0.5,
    }
    if wire == "responses":
        talk["stops"] = None
    if talk["effort"]:
        talk["temperature"] = talk["top_p"] = None
    cap_marks(talk)
    return talk


def some(members):
    return {key: value for key, value in members.items() if value is not None}


# ---- Anthropic ----

def anthropic_part(talk, part):
    if part[0] == "text":
        mark = {"type": "ephemeral"} if part[2] else None
        return some({"type": "text", "text": part[1], "cache_control": mark})
    if part[0] == "image":
        source = {"type": "url", "url": part[2]} if part[1] == "url" else {
            "type": "base64", "media_type": part[1], "data": part[2]}
        return {"type": "image", "source": source}
    if part[0] == "pdf":
        return {"type": "document", "title": part[1], "source": {
            "type": "base64", "media_type": "application/pdf", "data": part[2]}}
    if part[0] == "call":
        return {"type": "tool_use", "id": talk["ids"][part[1]], "name": talk["tools"][part[2]][1],
                "input": part[3]}
    return some({"type": "tool_result", "tool_use_id": talk["ids"][part[1]],
                 "is_error": part[2] or None, "content": [
                     {"type": "text", "text": item} for item in part[3]] if part[3] else None})


def anthropic_choice(talk):
    choice, serial = talk["choice"], talk["serial"] or None
    if choice is None and not serial or choice == "none":
        return choice and {"type": "none"}
    if isinstance(choice, int):
        return some({"type": "tool", "name": talk["tools"][choice][1],
                     "disable_parallel_tool_use": serial})
    return some({"type": choice or "auto", "disable_parallel_tool_use": serial})


def anthropic(talk):
    output = some({"effort": talk["effort"], "format": talk["schema"] and {
        "type": "json_schema", "schema": talk["schema"]}})
    return some({
        "model": "m", "max_tokens": talk["max_tokens"],
        "system": [anthropic_part(talk, part) for part in talk["system"]] or None,
        "messages": [{"role": role, "content": [anthropic_part(talk, part) for part in parts]}
                     for role, parts in talk["turns"]],
        "tools": [some({"name": name, "description": description, "input_schema": schema,
                        "strict": strict or None})
                  for _, name, _, description, schema, strict in talk["tools"]] or None,
        "tool_choice": anthropic_choice(talk), "temperature": talk["temperature"],
        "top_p": talk["top_p"], "stop_sequences": talk["stops"],
        "thinking": talk["effort"] and {"type": "adaptive"}, "output_config": output or None,
        "metadata": talk["user"] and {"user_id": talk["user"]},
        "service_tier": "standard_only" if talk["default_tier"] else None,
        "stream": talk["stream"] or None})


# ---- Chat Completions ----

def chat_part(part):
    if part[0] == "text":
        return some({"type": "text", "text": part[1],
                     "prompt_cache_breakpoint": {"mode": "explicit"} if part[2] else None})
    if part[0] == "image":
        url = part[2] if part[1] == "url" else f"data:{part[1]};base64,{part[2]}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": part[1],
                                     "file_data": f"data:application/pdf;base64,{part[2]}"}}


def chat_content(parts):
    if len(parts) == 1 and parts[0][0] == "text" and not parts[0][2]:
        return parts[0][1]
    return [chat_part(part) for part in parts]


def chat_call(talk, part, chance):
    kind, name = talk["tools"][part[2]][:2]
    inner = {"name": name, "input": part[3]} if kind == "custom" else {
        "name": name, "arguments": str(part[3]) if part[3] != "{}" else chance.choice(
            ("{}", "", " "))}
    return {"id": talk["ids"][part[1]], "type": kind, kind: inner}


def chat_messages(talk, chance):
    messages = [{"role": chance.choice(("system", "developer")), "content": chat_content([part])}
                for part in talk["system"]]
    for role, parts in talk["turns"]:
        if role == "assistant":
            texts = [part for part in parts if part[0] == "text"]
            calls = [chat_call(talk, part, chance) for part in parts if part[0] == "call"]
            messages.append(some({
                "role": role, "content": chat_content(texts) if texts else chance.choice(
                    ("", Raw("null"))), "tool_calls": calls or None}))
            continue
        for part in parts:
            if part[0] == "result":
                prefix = "[tool error] " if part[2] else ""
                content = [{"type": "text", "text": (prefix if number == 0 else "") + item}
                           for number, item in enumerate(part[3])]
                messages.append({"role": "tool", "tool_call_id": talk["ids"][part[1]],
                                 "content": content if len(content) > 1 else
                                 content[0]["text"] if content else prefix})
        rest = [part for part in parts if part[0] != "result"]
        if rest:
            messages.append({"role": role, "content": chat_content(rest)})
    return messages


def chat_tool(tool):
    kind, name, _, description, schema, strict = tool
    return {"type": kind, kind: some({"name": name, "description": description,
                                      "parameters": schema, "strict": strict or None})}


def openai_choice(talk, nested):
    choice = talk["choice"]
    if not isinstance(choice, int):
        return {"any": "required"}.get(choice, choice)
    kind, name, space = talk["tools"][choice][:3]
    if nested:
        return {"type": kind, kind: {"name": name}}
    return some({"type": kind, "name": name, "namespace": space or None})


def chat(talk, chance):
    return some({
        "model": "m", "messages": chat_messages(talk, chance),
        chance.choice(("max_tokens", "max_completion_tokens")): talk["max_tokens"],
        "tools": [chat_tool(tool) for tool in talk["tools"]] or None,
        "tool_choice": openai_choice(talk, True),
        "parallel_tool_calls": False if talk["serial"] else None,
        "temperature": talk["temperature"], "top_p": talk["top_p"], "stop": talk["stops"],
        "reasoning_effort": talk["effort"],
        "response_format": talk["schema"] and {"type": "json_schema", "json_schema": {
            "name": "response", "strict": True, "schema": talk["schema"]}},
        chance.choice(("user", "safety_identifier")): talk["user"],
        "service_tier": "default" if talk["default_tier"] else None,
        "stream": talk["stream"] or None,
        "stream_options": {"include_usage": True} if talk["stream"] else None})


# ---- Responses ----

def responses_part(part, kind):
    if part[0] == "text":
        return some({"type": kind, "text": part[1], "prompt_cache_breakpoint": {
            "mode": "explicit"} if part[2] else None})
    if part[0] == "image":
        url = part[2] if part[1] == "url" else f"data:{part[1]};base64,{part[2]}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    return {"type": "input_file", "filename": part[1],
            "file_data": f"data:application/pdf;base64,{part[2]}"}


def responses_call(talk, part):
    kind, name, space = talk["tools"][part[2]][:3]
    call = {"call_id": talk["ids"][part[1]], "name": name}
    if kind == "custom":
        return {"type": "custom_tool_call", **call, "input": part[3]}
    return some({"type": "function_call", **call, "namespace": space or None,
                 "arguments": str(part[3])})


def responses_result(talk, part, kinds):
    prefix = "[tool error] " if part[2] else ""
    texts = [(prefix if number == 0 else "") + item for number, item in enumerate(part[3])]
    output = [{"type": "input_text", "text": item} for item in texts] if len(texts) > 1 else (
        texts or [prefix])[0]
    kind = "custom_tool_call_output" if kinds[part[1]] == "custom" else "function_call_output"
    return {"type": kind, "call_id": talk["ids"][part[1]], "output": output}


def responses_items(talk, chance):
    items = [{"type": "message", "role": "developer", "content": [
        responses_part(part, "input_text")]} for part in talk["system"]]
    kinds = {}
    for role, parts in talk["turns"]:
        name = {"system": "developer"}.get(role, role)
        said = "output_text" if role == "assistant" else "input_text"
        message = []
        for part in parts:
            if part[0] == "result":
                items.append(responses_result(talk, part, kinds))
            elif part[0] == "call":
                if message:
                    items.append({"type": "message", "role": name, "content": message})
                message = []
                kinds[part[1]] = talk["tools"][part[2]][0]
                items.append(responses_call(talk, part))
            else:
                message.append(responses_part(part, said))
        if message:
            items.append({**({"type": "message"} if chance.random() < 0.7 else {}), "role": name,
                          "content": message})
    return items


def responses_tools(talk):
    tools, space_tools = [], []
    for kind, name, space, description, schema, strict in talk["tools"]:
        tool = some({"type": kind, "name": name, "description": description, "parameters": schema,
                     "strict": strict if kind == "function" else None})
        (space_tools if space else tools).append(tool)
    if space_tools:
        tools.append({"type": "namespace", "name": "files", "tools": space_tools})
    return tools or None


def responses(talk, chance):
    return some({
        "model": "m", "input": responses_items(talk, chance), "store": False,
        "max_output_tokens": talk["max_tokens"], "tools": responses_tools(talk),
        "tool_choice": openai_choice(talk, False),
        "parallel_tool_calls": False if talk["serial"] else None,
        "temperature": talk["temperature"], "top_p": talk["top_p"],
        "reasoning": talk["effort"] and {"effort": talk["effort"]},
        "text": talk["schema"] and {"format": {
            "type": "json_schema", "name": "response", "strict": True, "schema": talk["schema"]}},
        chance.choice(("user", "safety_identifier")): talk["user"],
        "service_tier": "default" if talk["default_tier"] else None,
        "stream": talk["stream"] or None})


def render(talk, wire, chance):
    document = {"anthropic": lambda: anthropic(talk), "chat": lambda: chat(talk, chance),
                "responses": lambda: responses(talk, chance)}[wire]()
    return document


def encode(document, chance):
    return write(document, chance).encode()
