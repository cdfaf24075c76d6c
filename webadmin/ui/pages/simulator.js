// Day, time and model -> who would serve, and why not the others.
import {Choice, Field, Head, Mark, Notice, Scroll, Tag, Waiting, html, useAsk, useEffect, useState} from "../kit.js";
import {queryText} from "../api.js";
import {addWords, knows, reasonText, t, when} from "../i18n.js";
import {live, useLive} from "../live.js";
import feedWords from "../words/live.js";
import words from "../words/simulator.js";

addWords(feedWords);
addWords(words);

const PATHS = [["/v1/messages", "Claude Code, Anthropic Messages"], ["/openai/responses", "Codex, OpenAI Responses"],
	["/v1/chat/completions", "OpenAI Chat Completions"]];
const WAIT_MS = 300;

const two = value => String(value).padStart(2, "0");

// The control plane tells it in English: the known sentences are told again in the reader's language.
function whyText(why) {
	const rests = /^rests after (\d+) failures?, the last: (\S+) \(blame: (\w+)(, its whole address)?\)$/.exec(why);
	if (rests)
		return t("why_rests", rests[1], reasonText(rests[2]), t(`blame_${rests[3]}`)) + (rests[4] ? ` · ${t("whole_address")}` : "");
	const [first, ramp] = why.split("; recovering: at most ");
	const next = /^would serve as number (\d+)$/.exec(first);
	const text = next ? t("why_next", next[1]) : first === "serves" ? t("serves_") : knows(first) ? t(first) : first;
	return ramp ? `${text}; ${t("why_ramp", parseInt(ramp, 10))}` : text;
}

function Group({group, serves}) {
	return html`<section class="group"><header><h2>${t(group.group)}</h2><${Tag}>${t(`pick_${group.pick}`)}<//></header>
		${group.upstreams.length === 0 ? html`<p class="soft">${t("sim_none")}</p>`
			: html`<${Scroll}><table class="cards"><thead><tr><th scope="col">${t("col_upstream")}</th><th scope="col" class="num">${t("sim_place")}</th><th scope="col">${t("sim_why")}</th>
				<th scope="col">${t("sim_asked_as")}</th><th scope="col">${t("sim_until")}</th></tr></thead>
			<tbody>${group.upstreams.map(upstream => html`<tr key=${upstream.id} class=${upstream.place ? "" : "out"}>
				<th scope="row"><span class="name">${upstream.name}</span>${upstream.tier === "backup" && html` <${Tag}>${t("backup")}<//>`}</th>
				<td class="num" data-label=${t("sim_place")}>${upstream.place || "–"}</td>
				<td data-label=${t("sim_why")}><${Mark} kind=${upstream.id === serves ? "go" : upstream.place ? "go quiet" : "off"}>${whyText(upstream.why)}<//></td>
				<td data-label=${t("sim_asked_as")}><code>${upstream.model || "–"}</code></td>
				<td data-label=${t("sim_until")}>${upstream.until_ms ? when(upstream.until_ms) : "–"}</td></tr>`)}</tbody></table><//>`}</section>`;
}

function Answer({told}) {
	const all = told.groups.flatMap(group => group.upstreams);
	const winner = all.find(upstream => upstream.id === told.serves);
	return html`<${Notice} kind=${winner ? "" : "stop"}><p><b>${winner ? t("sim_serves", winner.name) : t("sim_nobody")}</b>${
			winner && winner.model && winner.model !== told.model ? html` ${t("sim_as", winner.model)}` : ""}
			<span class="soft"> · ${when(told.at_ms)}</span></p><//>
		${told.groups.map(group => html`<${Group} key=${group.group} group=${group} serves=${told.serves} />`)}`;
}

export default function Simulator({here}) {
	useLive();
	const now = new Date();
	const [wish, set] = useState({path: here.query.get("path") ?? PATHS[0][0], model: here.query.get("model") ?? "", when: "now", session: "",
		day: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`, time: `${two(now.getHours())}:00`});
	const choose = more => set(before => ({...before, ...more}));
	const at = wish.when === "now" ? "" : `${wish.day} ${wish.time}`;
	const path = `/api/v1/explain${queryText({path: wish.path, model: wish.model, session: wish.session, at})}`;
	const [settled, settle] = useState(path);
	useEffect(() => {
		const wait = setTimeout(() => settle(path), WAIT_MS);
		return () => clearTimeout(wait);
	}, [path]);
	// Asked anew when something changes: whoever rests or comes back shows here at once.
	const asked = useAsk(settled);
	useEffect(() => asked.again(), [live.state?.version]);
	return html`<${Head} title=${t("page_simulator")} note=${t("sim_note")} />
		<form class="grid-form" onSubmit=${event => event.preventDefault()}>
			<${Field} label=${t("sim_path")}><select value=${wish.path} onChange=${event => choose({path: event.target.value})}>
				${PATHS.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === wish.path}>${text}</option>`)}</select><//>
			<${Field} label=${t("sim_model")}><input value=${wish.model} placeholder=${t("sim_any_model")} maxlength="256" spellcheck="false"
				onInput=${event => choose({model: event.target.value.trim()})} /><//>
			<div class="field"><span class="label">${t("sim_when")}</span><${Choice} label=${t("sim_when")} value=${wish.when} options=${[["now", t("sim_now")], ["at", t("sim_at")]]} onChange=${value => choose({when: value})} /></div>
			${wish.when === "at" && html`<${Field} label=${t("sim_day")}><input type="date" value=${wish.day} onChange=${event => event.target.value && choose({day: event.target.value})} /><//>
				<${Field} label=${t("sim_time")}><input type="time" value=${wish.time} onChange=${event => event.target.value && choose({time: event.target.value})} /><//>`}
			<${Field} label=${t("sim_session")}><input value=${wish.session} maxlength="64" spellcheck="false" title=${t("sim_session_help")}
				onInput=${event => choose({session: event.target.value.trim()})} /><//>
		</form>
		${asked.data && !asked.failed ? html`<${Answer} told=${asked.data} />` : html`<${Waiting} asked=${asked} />`}`;
}
