// A message through the gateway itself: the stream as text, and its raw events beside it.
import {Button, Field, Head, Mark, html, useRef, useState} from "../kit.js";
import {queryText, stream} from "../api.js";
import {addWords, t, took} from "../i18n.js";
import {live, useLive} from "../live.js";
import words from "../words/playground.js";

addWords(words);

const EVENTS_MAX = 2000;

// How each protocol asks, and where the text stands in its events and whole answers.
const routes = {
	anthropic: {name: "Anthropic Messages", model: "claude-sonnet-4-5",
		body: (model, text, streamed) => ({model, max_tokens: 1024, stream: streamed, messages: [{role: "user", content: text}]}),
		piece: event => event.delta?.text ?? event.delta?.thinking ?? "",
		whole: answer => (answer.content ?? []).map(block => block.text ?? "").join("")},
	responses: {name: "OpenAI Responses", model: "gpt-5-codex",
		body: (model, text, streamed) => ({model, stream: streamed, input: [{type: "message", role: "user", content: [{type: "input_text", text}]}]}),
		piece: event => event.type === "response.output_text.delta" ? event.delta : "",
		whole: answer => (answer.output ?? []).flatMap(item => item.content ?? []).map(part => part.text ?? "").join("")},
	chat: {name: "OpenAI Chat Completions", model: "gpt-5-mini",
		body: (model, text, streamed) => ({model, stream: streamed, messages: [{role: "user", content: text}]}),
		piece: event => event.choices?.[0]?.delta?.content ?? "",
		whole: answer => answer.choices?.[0]?.message?.content ?? ""},
};

const read = text => {
	try {
		return JSON.parse(text) ?? {};
	} catch {
		return {};
	}
};

// The blocks of a stream, each {name, data}; what is no whole block yet is kept.
function splitter(onBlock) {
	let rest = "";
	return text => {
		rest += text;
		const blocks = rest.split(/\r?\n\r?\n/);
		rest = blocks.pop();
		for (const block of blocks) {
			const lines = block.split(/\r?\n/);
			onBlock({name: lines.find(line => line.startsWith("event:"))?.slice(6).trim() ?? "",
				data: lines.filter(line => line.startsWith("data:")).map(line => line.slice(5).trim()).join("\n") || block});
		}
	};
}

async function send({route, model, text, streamed, as}, signal, tell) {
	const began = performance.now();
	const at = () => Math.round(performance.now() - began);
	const {body, piece, whole} = routes[route];
	const answer = await stream(`/api/v1/playground/${route}${queryText({client_key: as})}`, body(model, text, streamed), signal);
	// That of the gateway's answer; without it we were not let in at all.
	const status = Number(answer.headers.get("x-pointsman-status") ?? answer.status);
	tell({status, headers: [...answer.headers].filter(([name]) => /^(x-pointsman(?!-status)|request-id|x-request-id|content-type|retry-after)/.test(name)), head: at()});
	const isStream = (answer.headers.get("content-type") ?? "").startsWith("text/event-stream");
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	const feed = splitter(block => tell({event: {at: at(), ...block}, text: piece(read(block.data))}));
	let all = "";
	for (;;) {
		const {value, done} = await reader.read();
		if (done)
			break;
		if (isStream)
			feed(value);
		else
			all += value;
	}
	if (!isStream)
		tell({event: {at: at(), name: "", data: all}, text: status === 200 ? whole(read(all)) : ""});
	tell({end: at()});
}

export default function Playground() {
	const {state} = useLive();
	const [wish, set] = useState({route: "anthropic", model: routes.anthropic.model, text: t("hello"), streamed: true, as: ""});
	const [told, tell] = useState(null);
	const stop = useRef(null);
	const choose = more => set(before => ({...before, ...more}));
	const maySend = live.session?.role !== "viewer";
	const keys = (state?.client_keys ?? []).filter(key => key.enabled);
	const go = async () => {
		stop.current = new AbortController();
		let so = {events: [], text: "", running: true};
		tell(so);
		const note = ({event, text = "", ...more}) => {
			so = {...so, ...more, text: so.text + text, events: event && so.events.length < EVENTS_MAX ? [...so.events, event] : so.events};
			tell(so);
		};
		try {
			await send(wish, stop.current.signal, note);
		} catch (error) {
			note({failed: error.name === "AbortError" ? t("stopped") : t("cut")});
		}
		note({running: false});
	};
	const good = told?.status === 200;
	return html`<${Head} title=${t("page_playground")} note=${t("playground_note")} />
		<form class="play" onSubmit=${event => { event.preventDefault(); go(); }}>
			<div class="grid-form"><${Field} label=${t("p_route")}><select value=${wish.route} onChange=${event => choose({route: event.target.value, model: routes[event.target.value].model})}>
					${Object.entries(routes).map(([name, route]) => html`<option key=${name} value=${name} selected=${name === wish.route}>${route.name}</option>`)}</select><//>
				<${Field} label=${t("p_model")}><input value=${wish.model} spellcheck="false" required onInput=${event => choose({model: event.target.value})} /><//>
				<${Field} label=${t("p_as")}><select value=${wish.as} onChange=${event => choose({as: event.target.value})}>
					<option value="" selected=${wish.as === ""}>${t("p_as_nobody")}</option>
					${keys.map(key => html`<option key=${key.id} value=${key.id} selected=${key.id === wish.as}>${key.name || key.id}</option>`)}</select><//>
				<label class="check"><input type="checkbox" checked=${wish.streamed} onChange=${event => choose({streamed: event.target.checked})} /> ${t("p_stream")}</label></div>
			<${Field} label=${t("p_text")}><textarea rows="3" value=${wish.text} onInput=${event => choose({text: event.target.value})} /><//>
			<div class="bar"><button type="submit" class="main" disabled=${told?.running || !maySend}>${t("p_send")}</button>
				<${Button} disabled=${!told?.running} onClick=${() => stop.current.abort()}>${t("p_stop")}<//>
				${!maySend && html`<span class="soft">${t("may_not")}</span>`}</div></form>
		${told && html`<p class="bar lead">${told.status && html`<${Mark} kind=${good ? "go" : "stop"}>HTTP ${told.status}<//>`}
				${told.head !== undefined && html`<span class="soft">${t("p_head", took(told.head))}</span>`}${told.end !== undefined && html`<span class="soft">${t("p_end", took(told.end))}</span>`}
				${told.failed && html`<span class="stop">${told.failed}</span>`}</p>
			${told.headers?.length > 0 && html`<p class="soft"><code>${told.headers.map(([name, value]) => `${name}: ${value}`).join(" · ")}</code></p>`}
			<div class="pair"><section class="panel"><header class="bar"><h2>${t("p_said")}</h2></header><pre class="said-text" tabindex="0">${told.text}</pre></section>
				<section class="panel"><header class="bar"><h2>${t("p_events", told.events.length)}</h2></header><ol class="events" tabindex="0">${told.events.map((event, at) => html`<li key=${at}><span class="soft num">${took(event.at)}</span> <b>${event.name}</b> <code>${event.data}</code></li>`)}</ol></section></div>`}`;
}
