// Agent loops with a Node SDK, by its own helpers: question, tool calls, the tools are run, their results
// are sent back, final text. For each line on stdin, a prompt as JSON, a line {"text": ..., "ran": ...} or
// {"error": ...}. Usage: node sdk_loop.mjs anthropic|chat|responses stream|whole|runner, the last for chat
// alone (BASE, KEY; SDKS = where the packages are).
import { execSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(process.env.SDKS + '/package.json');
const [protocol, mode] = process.argv.slice(2);
const { BASE, KEY } = process.env;
const parameters = {
  type: 'object',
  properties: { command: { type: 'string' } },
  required: ['command'],
};
const shell = { name: 'shell', description: 'Runs a command.' };
let ran = [];

function run(command) {
  const output = execSync(command, { encoding: 'utf8' });
  ran.push(output);
  return output;
}

function makeClient() {
  if (protocol === 'anthropic') {
    const { Anthropic } = require('@anthropic-ai/sdk');
    return new Anthropic({ baseURL: BASE, authToken: KEY, apiKey: null });
  }
  const OpenAI = require('openai').default;
  return new OpenAI({ baseURL: BASE, apiKey: KEY });
}

const client = makeClient();

function textOf(message) {
  return message.content.map((part) => part.text ?? '').join('');
}

async function anthropic(prompt) {
  const messages = [{ role: 'user', content: prompt }];
  const tools = [{ ...shell, input_schema: parameters }];
  for (;;) {
    const ask = { model: 'demo', max_tokens: 1000, messages, tools };
    const message = mode === 'stream'
      ? await client.messages.stream(ask).finalMessage()
      : await client.messages.create(ask);
    const calls = message.content.filter((part) => part.type === 'tool_use');
    if (calls.length === 0) {
      return textOf(message);
    }
    messages.push({ role: 'assistant', content: message.content });
    messages.push({
      role: 'user',
      content: calls.map((call) => ({
        type: 'tool_result', tool_use_id: call.id, content: run(call.input.command),
      })),
    });
  }
}

function chatRunner(prompt) {
  return client.chat.completions.runTools({
    model: 'demo', stream: true, messages: [{ role: 'user', content: prompt }],
    tools: [{
      type: 'function',
      function: { ...shell, parameters, parse: JSON.parse, function: ({ command }) => run(command) },
    }],
  }).finalContent();
}

async function chat(prompt) {
  const messages = [{ role: 'user', content: prompt }];
  const tools = [{ type: 'function', function: { ...shell, parameters } }];
  for (;;) {
    const ask = { model: 'demo', messages, tools };
    const completion = mode === 'stream'
      ? await client.chat.completions.stream(ask).finalChatCompletion()
      : await client.chat.completions.create(ask);
    const { message } = completion.choices[0];
    if (!message.tool_calls?.length) {
      return message.content;
    }
    messages.push(message);
    for (const call of message.tool_calls) {
      messages.push({
        role: 'tool', tool_call_id: call.id, content: run(JSON.parse(call.function.arguments).command),
      });
    }
  }
}

async function responses(prompt) {
  const input = [{ role: 'user', content: prompt }];
  const tools = [{ type: 'function', ...shell, parameters, strict: false }];
  for (;;) {
    const ask = {
      model: 'demo', input, tools, store: false, include: ['reasoning.encrypted_content'],
    };
    const response = mode === 'stream'
      ? await client.responses.stream(ask).finalResponse()
      : await client.responses.create(ask);
    const calls = response.output.filter((item) => item.type === 'function_call');
    if (calls.length === 0) {
      // Version 6 leaves output_text out of what its stream helper makes.
      return response.output.flatMap((item) => item.content ?? []).map((part) => part.text).join('');
    }
    input.push(...response.output);
    for (const call of calls) {
      input.push({
        type: 'function_call_output', call_id: call.call_id,
        output: run(JSON.parse(call.arguments).command),
      });
    }
  }
}

const loops = mode === 'runner' ? { chat: chatRunner } : { anthropic, chat, responses };

for await (const line of createInterface({ input: process.stdin })) {
  ran = [];
  try {
    const text = await loops[protocol](JSON.parse(line));
    console.log(JSON.stringify({ text, ran: ran.join('') }));
  } catch (error) {
    console.log(JSON.stringify({ error: `${error.stack}` }));
  }
}
