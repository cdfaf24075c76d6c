// One agent loop with a Node SDK: question, tool call, the tool is run, its result is sent back, final
// text. Usage: node sdk_loop.mjs anthropic|chat|responses stream|whole  (BASE, KEY, PROMPT; SDKS = where
// the packages are). Prints {"text": ..., "ran": ...}.
import { execSync } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(process.env.SDKS + '/package.json');
const [protocol, mode] = process.argv.slice(2);
const streams = mode === 'stream';
const { BASE, KEY, PROMPT } = process.env;
const parameters = {
  type: 'object',
  properties: { command: { type: 'string' } },
  required: ['command'],
};
const ran = [];

function run(command) {
  const output = execSync(command, { encoding: 'utf8' });
  ran.push(output);
  return output;
}

async function anthropic() {
  const { Anthropic } = require('@anthropic-ai/sdk');
  const client = new Anthropic({ baseURL: BASE, authToken: KEY, apiKey: null });
  const messages = [{ role: 'user', content: PROMPT }];
  const tools = [{ name: 'shell', description: 'Runs a command.', input_schema: parameters }];
  for (;;) {
    const ask = { model: 'demo', max_tokens: 1000, messages, tools };
    const message = streams
      ? await client.messages.stream(ask).finalMessage()
      : await client.messages.create(ask);
    const calls = message.content.filter((part) => part.type === 'tool_use');
    if (calls.length === 0) {
      return message.content.map((part) => part.text ?? '').join('');
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

async function chat(client) {
  const messages = [{ role: 'user', content: PROMPT }];
  const tools = [{ type: 'function', function: { name: 'shell', parameters } }];
  for (;;) {
    const ask = { model: 'demo', messages, tools };
    const completion = streams
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

async function responses(client) {
  const input = [{ role: 'user', content: PROMPT }];
  const tools = [{ type: 'function', name: 'shell', parameters, strict: false }];
  for (;;) {
    const ask = { model: 'demo', input, tools, store: false };
    const response = streams
      ? await client.responses.stream(ask).finalResponse()
      : await client.responses.create(ask);
    const calls = response.output.filter((item) => item.type === 'function_call');
    if (calls.length === 0) {
      return response.output_text;
    }
    for (const call of calls) {
      input.push({ type: 'function_call', call_id: call.call_id, name: call.name, arguments: call.arguments });
      input.push({
        type: 'function_call_output', call_id: call.call_id,
        output: run(JSON.parse(call.arguments).command),
      });
    }
  }
}

let text;
if (protocol === 'anthropic') {
  text = await anthropic();
} else {
  const OpenAI = require('openai').default;
  const client = new OpenAI({ baseURL: BASE, apiKey: KEY });
  text = await (protocol === 'chat' ? chat(client) : responses(client));
}
console.log(JSON.stringify({ text, ran: ran.join('') }));
