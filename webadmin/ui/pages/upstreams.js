// All upstreams: order by dragging or keys, add, edit, test, copy, switch, end a rest, probe.
import {Button, Dialog, Empty, Head, Mark, Notice, Tag, Waiting, ask, change, html, useConfig, useState} from "../kit.js";
import {call} from "../api.js";
import {EntryForm, patchEntry, useRows} from "../forms.js";
import {addWords, reasonText, sentence, t, took, when} from "../i18n.js";
import {live, useLive} from "../live.js";
import formWords from "../words/forms.js";
import words from "../words/upstreams.js";

addWords(formWords);
addWords(words);

const LIST = "/api/v1/upstreams";
const GROUPS = ["claude", "codex", "chat", "chat_via_claude", "retry"];
const PARTS = [
	["", ["name", "base_url", "key", "type", "enabled"]],
	["part_schedule", ["time_enabled", "hours", "dates", "time_zone", "activation_enabled", "activation_time"]],
	["part_models", ["models", "model_map"]],
	["part_conversion", ["protocol", "accepts", "fold"]],
	["part_share", ["weight", "price_factor"]],
];

const pathOf = upstream => `${LIST}/${encodeURIComponent(upstream.table_id)}`;

// ---- a small real request ----

function TestResult({test}) {
	return html`<${Notice} kind=${test.ok ? "" : "stop"}><p><${Mark} kind=${test.ok ? "go" : "stop"}><b>${test.ok ? t("test_good") : t("test_bad")}</b><//>
			${test.status ? html` · HTTP ${test.status}` : ""}${test.ok ? "" : ` · ${reasonText(test.reason)}`}</p>
		${test.error && html`<p><code>${test.error}</code></p>`}
		<dl class="facts"><div><dt>${t("model")}</dt><dd>${test.served || test.model || "–"}</dd></div>
			<div><dt>${t("test_first")}</dt><dd>${test.ttfb_ms ? took(test.ttfb_ms) : "–"}</dd></div>
			<div><dt>${t("test_whole")}</dt><dd>${test.ms === undefined ? "–" : took(test.ms)}</dd></div>
			<div><dt>${t("test_used")}</dt><dd>${test.usage ? Object.entries(test.usage).filter(([, value]) => value > 0).map(([name, value]) => `${name} ${value}`).join(", ") || "–" : "–"}</dd></div></dl><//>`;
}

function Test({send}) {
	const [model, type] = useState("");
	const [told, tell] = useState(null);
	const run = async () => {
		tell(null);
		let answer = await send(model.trim());
		while (answer.status === 200 && answer.body.test && !answer.body.test.done)
			answer = await call("GET", `/api/v1/tests/${answer.body.test.seq}`);
		tell(answer);
	};
	return html`<div class="test"><div class="bar"><input aria-label=${t("test_model")} placeholder=${t("test_model")} value=${model} spellcheck="false"
			onInput=${event => type(event.target.value)} /><${Button} onClick=${run}>${t("test")}<//><span class="soft">${t("test_help")}</span></div>
		${told && (told.body.test ? html`<${TestResult} test=${told.body.test} />` : html`<${Notice} kind="warn"><p>${
			told.body.faults?.length ? told.body.faults.map(fault => `${fault.path}: ${sentence(fault.message)}`).join(" · ") : told.body.message ? sentence(told.body.message) : t("failed_somehow")}</p><//>`)}</div>`;
}

// ---- one row ----

function stateOf(upstream) {
	if (!upstream.enabled)
		return ["off", t("disabled")];
	if (upstream.health?.state === "cooling")
		return ["stop", t("state_cooling")];
	if (!upstream.available)
		return ["off", t(upstream.reason)];
	return upstream.health && upstream.health.state !== "up" ? ["warn", t(`state_${upstream.health.state}`)] : ["go", t("ready")];
}

function Facts({upstream}) {
	const {entry} = upstream;
	const facts = [
		entry.models?.length && t("n_models", entry.models.length),
		entry.model_map && t("n_renames", Object.keys(entry.model_map).length),
		entry.weight > 1 && t("weight_is", entry.weight),
		entry.protocol && entry.protocol !== "list" && t("speaks", entry.protocol),
		(entry.hours?.length || entry.time_enabled || entry.dates) && (upstream.schedule_changes_ms
			? t(upstream.scheduled ? "until" : "from", when(upstream.schedule_changes_ms)) : t("has_plan")),
		entry.activation_enabled && t("activation_next", upstream.activation?.next_ms ? when(upstream.activation.next_ms) : entry.activation_time ?? "08:00"),
	].filter(Boolean);
	return html`<span class="soft">${facts.join(" · ")}</span>`;
}

function Row({upstream, group, at, count, may, act, drag}) {
	const [kind, word] = stateOf(upstream);
	const {entry} = upstream;
	return html`<li class=${`${upstream.enabled ? "" : "out"} ${drag.over === at ? "over" : ""}`} draggable=${may ? "true" : undefined} data-id=${upstream.table_id}
			onDragStart=${event => { event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", upstream.table_id); drag.start(at); }}
			onDragOver=${event => { if (drag.from !== null) { event.preventDefault(); drag.enter(at); } }}
			onDrop=${event => { event.preventDefault(); drag.drop(at); }} onDragEnd=${drag.end}>
		<span class="grip" aria-hidden="true">${may ? "⠿" : ""}</span>
		<div class="who"><span class="name">${entry.name || upstream.name}</span>${entry.type === "backup" && html` <${Tag}>${t("backup")}<//>`}
			<code class="sub">${entry.base_url} · ${entry.key || t("no_key")}</code><${Facts} upstream=${upstream} /></div>
		<${Mark} kind=${kind}>${word}<//>
		${may && html`<div class="bar row-acts">
			<${Button} kind="small" onClick=${() => act.edit(upstream)}>${t("edit")}<//>
			<${Button} kind="small" onClick=${() => act.test(upstream)}>${t("test")}<//>
			<${Button} kind="small" onClick=${() => act.toggle(upstream)}>${t(upstream.enabled ? "disable" : "enable")}<//>
			<${Button} kind="small" aria-label=${t("move_up", entry.name)} disabled=${at === 0} onClick=${() => act.move(upstream, "up")}>↑<//>
			<${Button} kind="small" aria-label=${t("move_down", entry.name)} disabled=${at === count - 1} onClick=${() => act.move(upstream, "down")}>↓<//>
			<details class="more"><summary aria-label=${t("more_for", entry.name)}>⋯</summary><div>
				<${Button} kind="small" disabled=${at === 0} onClick=${() => act.move(upstream, "top")}>${t("move_top")}<//>
				<${Button} kind="small" disabled=${at === count - 1} onClick=${() => act.move(upstream, "bottom")}>${t("move_bottom")}<//>
				<${Button} kind="small" onClick=${() => act.copy(upstream)}>${t("duplicate")}<//>
				<${Button} kind="small" disabled=${!upstream.enabled} onClick=${() => act.operate(upstream, "probe", "probe_sent")}>${t("probe")}<//>
				<${Button} kind="small" disabled=${!upstream.enabled} onClick=${() => act.operate(upstream, "clear", "cleared")}>${t("clear")}<//>
				<${Button} kind="small" onClick=${() => act.remove(upstream)}>${t("delete")}<//></div></details></div>`}</li>`;
}

function Group({group, may, act, order}) {
	const [from, start] = useState(null);
	const [over, enter] = useState(null);
	const drag = {from, over, start, enter, end: () => { start(null); enter(null); }, drop(to) {
		if (from !== null && from !== to) {
			const ids = group.upstreams.map(upstream => upstream.table_id);
			ids.splice(to, 0, ...ids.splice(from, 1));
			order(group.group, ids);
		}
		drag.end();
	}};
	return html`<section class="panel" aria-labelledby=${`list-${group.group}`}><header class="bar"><h2 id=${`list-${group.group}`}>${t(group.group)}</h2>
			<span class="soft">${t(`group_note_${group.group}`)}</span>
			${may && html`<${Button} kind="small" onClick=${() => act.add(group.group)}>${t("add_to", t(group.group))}<//>`}</header>
		${group.upstreams.length === 0 ? html`<p class="soft">${t("none_here")}</p>`
			: html`<ol class="sortable">${group.upstreams.map((upstream, at) => html`<${Row} key=${upstream.table_id} upstream=${upstream} group=${group.group}
				at=${at} count=${group.upstreams.length} may=${may} act=${act} drag=${drag} />`)}</ol>`}</section>`;
}

// ---- the page ----

export default function Upstreams() {
	useLive();
	const asked = useConfig(LIST);
	const rows = useRows("upstreams");
	const [open, set] = useState(null); // {kind, group, upstream}
	const may = live.session?.role !== "viewer";
	if (!asked.data || !rows)
		return html`<${Head} title=${t("page_upstreams")} note=${t("upstreams_note")} /><${Waiting} asked=${asked} lines=${8} />`;
	const after = promise => promise.then(answer => { asked.again(); return answer; });
	const post = (upstream, verb, body, done) => after(change("POST", `${pathOf(upstream)}/${verb}`, body, {done}));
	const act = {
		add: group => set({kind: "edit", group, entry: {name: "", base_url: "", key: ""}}),
		edit: upstream => set({kind: "edit", upstream, entry: upstream.entry}),
		test: upstream => set({kind: "test", upstream}),
		toggle: upstream => post(upstream, upstream.enabled ? "disable" : "enable", {}),
		move: (upstream, to) => post(upstream, "move", {to}),
		copy: upstream => post(upstream, "duplicate", {}, t("copied_entry", upstream.name)),
		operate: (upstream, verb, done) => post(upstream, verb, {}, t(done, upstream.name)),
		async remove(upstream) {
			if (await ask({title: t("delete_title", upstream.name), text: t("delete_text"), action: t("delete"), danger: true}))
				await after(change("DELETE", pathOf(upstream), {}, {done: t("deleted", upstream.name)}));
		},
	};
	const order = (group, ids) => after(change("PUT", `${LIST}/order`, {group, ids}, {ifMatch: asked.data.etag, done: t("order_saved")}));
	const save = (entry, changes) => after(open.upstream
		? patchEntry(pathOf(open.upstream), open.entry, changes, t("saved_entry", entry.name))
		: change("POST", LIST, {group: open.group, ...entry}, {done: t("added", entry.name), quiet422: true}));
	// The live state is newer than the list that was asked for.
	const states = new Map((live.state?.groups ?? []).flatMap(group => group.upstreams.map(upstream => [`${group.group}:${upstream.id}`, upstream])));
	const groups = GROUPS.map(name => asked.data.groups.find(group => group.group === name)).filter(Boolean).map(group => ({...group,
		upstreams: group.upstreams.filter(upstream => upstream.entry).map(upstream => ({...upstream, ...states.get(upstream.table_id)}))}));
	const nothing = groups.every(group => group.upstreams.length === 0);
	return html`<${Head} title=${t("page_upstreams")} note=${t("upstreams_note")} />
		${nothing && html`<${Empty} title=${t("no_upstreams")}><p class="soft">${t("first_upstream")}</p>
			${may && html`<p><${Button} kind="main" onClick=${() => act.add("claude")}>${t("add_to", t("claude"))}<//></p>`}<//>`}
		${groups.map(group => html`<${Group} key=${group.group} group=${group} may=${may} act=${act} order=${order} />`)}
		${open?.kind === "edit" && html`<${EntryForm} key=${open.upstream?.table_id ?? open.group} rows=${rows} parts=${PARTS} entry=${open.entry}
			title=${open.upstream ? t("edit_entry", open.upstream.name) : t("add_to", t(open.group))} save=${save} onClose=${() => set(null)}>
			${now => html`<${Test} send=${model => call("POST", `${LIST}/test`, {group: open.group ?? open.upstream.table_id.split(":")[0], ...now, test: model ? {model} : {}})} />`}<//>`}
		${open?.kind === "test" && html`<${Dialog} title=${t("test_entry", open.upstream.name)} onClose=${() => set(null)}>
			<${Test} send=${model => call("POST", `${pathOf(open.upstream)}/test`, model ? {model} : {})} /><//>`}`;
}
