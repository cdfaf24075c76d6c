// Model rules, what models take, prices: lists of the same kind, with forms from the settings table.
import {Button, Empty, Mark, Scroll, Tag, Waiting, ask, change, html, useConfig, useState} from "../kit.js";
import {get} from "../api.js";
import {EntryForm, patchEntry, useRows} from "../forms.js";
import {addWords, number, t} from "../i18n.js";
import {live} from "../live.js";
import formWords from "../words/forms.js";

addWords(formWords);

const REPRICE_LOOK_MS = 500;
const on = value => value !== false && value !== 0;

// What a row of each list shows.
const lists = {
	rules: {path: "/api/v1/model-rules", section: "model_conversions", switches: true, fresh: {source_model: "", target_model: ""}, name: entry => entry.name || entry.source_model,
		show: entry => html`<code>${entry.source_model}</code> → <code>${entry.target_model}</code> <span class="soft">${entry.name}</span>${entry.conversion_type === "full_format" && html` <${Tag}>full_format<//>`}`},
	capabilities: {path: "/api/v1/capabilities", section: "model_capabilities", fresh: {pattern: ""}, name: entry => entry.pattern,
		show: entry => html`<code>${entry.pattern}</code> <span class="soft">${Object.entries(entry).filter(([key]) => !["pattern", "id"].includes(key)).map(([key, value]) => `${key}: ${value}`).join(" · ")}</span>`},
	prices: {path: "/api/v1/prices", section: "prices", fresh: {model: "", input: undefined, output: undefined}, name: entry => entry.model,
		show: entry => html`<code>${entry.model}</code>${entry.upstream && html` <code class="soft">${entry.upstream}</code>`} <span>${t("price_in", number(entry.input, 4))} · ${t("price_out", number(entry.output, 4))}</span>
			<span class="soft">${["cache_write_5m", "cache_write_1h", "cache_read", "web_search", "from"].filter(key => entry[key] !== undefined).map(key => `${t(`l_${key}`)} ${entry[key]}`).join(" · ")}</span>`},
};

// Costs are reckoned when a call ends; a new price holds for what is kept of earlier ones when it is asked for.
function Reprice() {
	const [told, tell] = useState(null);
	const run = async () => {
		if (!await ask({title: t("reprice"), text: t("reprice_text"), action: t("reprice")}))
			return;
		const begun = await change("POST", "/api/v1/stats/reprice", {}, {done: t("reprice_begun")});
		for (let answer = begun; answer.status === 200; await new Promise(settle => setTimeout(settle, REPRICE_LOOK_MS))) {
			answer = await get("/api/v1/stats/reprice");
			tell(answer.status === 200 ? answer.body : null);
			if (!answer.body.running)
				return;
		}
	};
	return html`<${Button} onClick=${run}>${t("reprice")}<//>${told && html`<span class="soft" role="status">${
		t(told.running ? "reprice_runs" : "reprice_done", number(told.looked), number(told.changed))}</span>`}`;
}

export function List({name}) {
	const {path, section, switches, fresh, name: nameOf, show} = lists[name];
	const asked = useConfig(path);
	const rows = useRows(section);
	const [open, set] = useState(null);
	const may = live.session?.role !== "viewer";
	if (!asked.data || !rows)
		return html`<${Waiting} asked=${asked} />`;
	const {entries} = asked.data;
	const after = promise => promise.then(answer => { asked.again(); return answer; });
	const at = entry => `${path}/${encodeURIComponent(entry.id)}`;
	const post = (entry, verb, body = {}) => after(change("POST", `${at(entry)}/${verb}`, body));
	const remove = async entry => {
		if (await ask({title: t("delete_title", nameOf(entry)), text: t("delete_text"), action: t("delete"), danger: true}))
			await after(change("DELETE", at(entry), {}, {done: t("deleted", nameOf(entry))}));
	};
	const save = (entry, changes) => after(open.id ? patchEntry(at(open), open, changes, t("saved_entry", nameOf(entry)))
		: change("POST", path, entry, {done: t("added", nameOf(entry)), quiet422: true}));
	return html`<div class="bar spread"><p class="soft">${t(`list_note_${name}`)}</p>${may && html`<span class="bar">${name === "prices" && html`<${Reprice} />`}<${Button} onClick=${() => set(fresh)}>${t("add")}<//></span>`}</div>
		${entries.length === 0 ? html`<${Empty} title=${t(`list_none_${name}`)} />`
			: html`<${Scroll}><table class="cards"><tbody>${entries.map((entry, index) => html`<tr key=${entry.id} class=${on(entry.enabled) ? "" : "out"}>
				<td class="rank">${index + 1}</td><th scope="row">${show(entry)}</th>
				${switches && html`<td><${Mark} kind=${on(entry.enabled) ? "go" : "off"}>${t(on(entry.enabled) ? "enabled" : "disabled")}<//></td>`}
				<td class="acts">${may && html`<${Button} kind="small" onClick=${() => set(entry)}>${t("edit")}<//>
					${switches && html`<${Button} kind="small" onClick=${() => post(entry, on(entry.enabled) ? "disable" : "enable")}>${t(on(entry.enabled) ? "disable" : "enable")}<//>`}
					<${Button} kind="small" aria-label=${t("move_up", nameOf(entry))} disabled=${index === 0} onClick=${() => post(entry, "move", {to: "up"})}>↑<//>
					<${Button} kind="small" aria-label=${t("move_down", nameOf(entry))} disabled=${index === entries.length - 1} onClick=${() => post(entry, "move", {to: "down"})}>↓<//>
					<${Button} kind="small" onClick=${() => post(entry, "duplicate")}>${t("duplicate")}<//>
					<${Button} kind="small" onClick=${() => remove(entry)}>${t("delete")}<//>`}</td></tr>`)}</tbody></table><//>`}
		${open && html`<${EntryForm} key=${open.id ?? "fresh"} rows=${rows} entry=${open} title=${open.id ? t("edit_entry", nameOf(open)) : t("add")} save=${save} onClose=${() => set(null)} />`}`;
}
