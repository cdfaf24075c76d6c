"""Agent loops with the openai and anthropic packages for Python, by their own helpers; the same as
sdk_loop.mjs.

Usage: sdk_loop.py anthropic|chat|responses stream|whole  (BASE, KEY). For each line on stdin, a prompt as
JSON, a line {"text": ..., "ran": ...} or {"error": ...}.
"""

import json
import os
import subprocess
import sys
import traceback

protocol, mode = sys.argv[1:]
if protocol == "anthropic":
    from anthropic import Anthropic
    client = Anthropic(base_url=os.environ["BASE"], auth_token=os.environ["KEY"])
else:
    from openai import OpenAI
    client = OpenAI(base_url=os.environ["BASE"], api_key=os.environ["KEY"])
# The stream helper of Chat Completions takes strict tools only.
parameters = {"type": "object", "properties": {"command": {"type": "string"}},
              "required": ["command"], "additionalProperties": False}
shell = {"name": "shell", "description": "Runs a command."}
ran = []


def run(command):
    ran.append(subprocess.run(command, shell=True, capture_output=True, text=True).stdout)
    return ran[-1]


def anthropic(prompt):
    messages = [{"role": "user", "content": prompt}]
    ask = {"model": "demo", "max_tokens": 1000, "messages": messages,
           "tools": [{**shell, "input_schema": parameters}]}
    while True:
        if mode == "whole":
            message = client.messages.create(**ask)
        else:
            with client.messages.stream(**ask) as stream:
                message = stream.get_final_message()
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in message.content if block.type == "text")
        messages.append({"role": "assistant", "content": message.content})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": run(call.input["command"])}
            for call in calls]})


def chat(prompt):
    messages = [{"role": "user", "content": prompt}]
    ask = {"model": "demo", "messages": messages, "tools": [
        {"type": "function", "function": {**shell, "parameters": parameters, "strict": True}}]}
    while True:
        if mode == "whole":
            message = client.chat.completions.create(**ask).choices[0].message
        else:
            with client.chat.completions.stream(**ask) as stream:
                message = stream.get_final_completion().choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id,
                             "content": run(json.loads(call.function.arguments)["command"])})


def responses(prompt):
    given = [{"role": "user", "content": prompt}]
    ask = {"model": "demo", "input": given, "store": False,
           "include": ["reasoning.encrypted_content"],
           "tools": [{"type": "function", **shell, "parameters": parameters, "strict": False}]}
    while True:
        if mode == "whole":
            response = client.responses.create(**ask)
        else:
            with client.responses.stream(**ask) as stream:
                response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        given.extend(response.output)
        for call in calls:
            given.append({"type": "function_call_output", "call_id": call.call_id,
                          "output": run(json.loads(call.arguments)["command"])})


loops = {"anthropic": anthropic, "chat": chat, "responses": responses}
for line in sys.stdin:
    ran.clear()
    try:
        print(json.dumps({"text": loops[protocol](json.loads(line)), "ran": "".join(ran)}), flush=True)
    except Exception:
        print(json.dumps({"error": traceback.format_exc()}), flush=True)
