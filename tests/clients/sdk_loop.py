"""One agent loop with the openai package for Python; the same as sdk_loop.mjs.

Usage: sdk_loop.py chat|responses stream|whole  (BASE, KEY, PROMPT). Prints {"text": ..., "ran": ...}.
"""

import json
import os
import subprocess
import sys

from openai import OpenAI

protocol, mode = sys.argv[1:]
client = OpenAI(base_url=os.environ["BASE"], api_key=os.environ["KEY"])
prompt = os.environ["PROMPT"]
parameters = {"type": "object", "properties": {"command": {"type": "string"}},
              "required": ["command"]}
ran = []


def run(arguments):
    command = json.loads(arguments)["command"]
    ran.append(subprocess.run(command, shell=True, capture_output=True, text=True).stdout)
    return ran[-1]


def chat_turn(messages):
    """(text, calls as dicts) of one turn; chunks are put together by hand when it streams."""
    ask = {"model": "demo", "messages": messages,
           "tools": [{"type": "function", "function": {"name": "shell", "parameters": parameters}}]}
    if mode == "whole":
        message = client.chat.completions.create(**ask).choices[0].message
        return message.content, [call.model_dump() for call in message.tool_calls or []]
    text, calls = "", {}
    for chunk in client.chat.completions.create(**ask, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for part in choice.delta.tool_calls or []:
                call = calls.setdefault(part.index, {"type": "function", "id": part.id, "function": {
                    "name": part.function.name, "arguments": ""}})
                call["function"]["arguments"] += part.function.arguments or ""
    return text, list(calls.values())


def chat():
    messages = [{"role": "user", "content": prompt}]
    while True:
        text, calls = chat_turn(messages)
        if not calls:
            return text
        messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
        for call in calls:
            messages.append({"role": "tool", "tool_call_id": call["id"],
                             "content": run(call["function"]["arguments"])})


def responses():
    given = [{"role": "user", "content": prompt}]
    tools = [{"type": "function", "name": "shell", "parameters": parameters, "strict": False}]
    while True:
        ask = {"model": "demo", "input": given, "tools": tools, "store": False}
        if mode == "whole":
            response = client.responses.create(**ask)
        else:
            with client.responses.stream(**ask) as stream:
                response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        for call in calls:
            given.append({"type": "function_call", "call_id": call.call_id, "name": call.name,
                          "arguments": call.arguments})
            given.append({"type": "function_call_output", "call_id": call.call_id,
                          "output": run(call.arguments)})


text = chat() if protocol == "chat" else responses()
print(json.dumps({"text": text, "ran": "".join(ran)}))
