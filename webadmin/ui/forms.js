// Forms made of the settings table: an entry of a list in a dialog, its faults beside the fields.
import {Button, Dialog, Notice, change, html, useEffect, useRef, useState} from "./kit.js";
import {call, get} from "./api.js";
import {sentence, t} from "./i18n.js";
import {Input, faultOf} from "./fields.js";

// Kept by other means, or told by the gateway.
const HIDDEN = ["any", "id", "sha256"];
const TRIES_MAX = 5;
let table = null;

// The words of all sections; asked for once.
export async function settingsTable() {
	table ??= get("/api/v1/settings").then(answer => answer.status === 200 ? answer.body : Promise.reject(answer));
	try {
		return await table;
	} catch (answer) {
		table = null;
		throw answer;
	}
}

export function useRows(section) {
	const [rows, set] = useState(null);
	useEffect(() => {
		settingsTable().then(all => set(all.rows.filter(row => row.section === section && !HIDDEN.includes(row.type))), () => set([]));
	}, [section]);
	return rows;
}

export const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

// Only what was changed, null for what goes back to its default.
export function changesOf(before, after, rows) {
	const changes = {};
	for (const {key} of rows)
		if (!same(before[key], after[key]))
			changes[key] = after[key] ?? null;
	return changes;
}

// Changes what nobody else has changed since it was shown: of other words of the same thing that is no conflict.
export async function patchUnless(path, changes, touched, done) {
	for (let tries = 1;; tries++) {
		const now = await get(path);
		if (now.status !== 200)
			return change.told(now);
		if (touched(now.body))
			return change.told({status: 412, body: {}});
		const answer = await call("PATCH", path, changes, {ifMatch: now.body.etag});
		if (answer.status !== 412 || tries === TRIES_MAX)
			return change.told(answer, {done, quiet422: true});
	}
}

export const patchEntry = (path, before, changes, done) => patchUnless(path, changes,
	({entry}) => Object.keys(changes).some(key => !same(entry[key], before[key])), done);

// "api_configs[4].base_url" -> base_url; what has no field is told above the form.
function faultsByKey(faults, rows) {
	const known = {}, others = [];
	for (const fault of faults ?? []) {
		const key = rows.find(row => new RegExp(`(^|[.\\]])${row.key}($|[.\\[])`).test(fault.path))?.key;
		if (key)
			known[key] = sentence(fault.message);
		else
			others.push(fault);
	}
	return {known, others};
}

// save(entry, changes) -> the answer of the call; a 422 stays in the form.
export function EntryForm({title, rows, parts, entry, onClose, save, children}) {
	const [now, set] = useState(entry);
	const [faults, tell] = useState([]);
	const [said, say] = useState(false);
	const busy = useRef(false);
	const {known, others} = faultsByKey(faults, rows);
	const ready = rows.every(row => !faultOf(row, now[row.key]) || (row.type === "key" && now[row.key] === ""));
	const put = key => value => {
		set(before => ({...before, [key]: value}));
		tell(faults.filter(fault => !fault.path.endsWith(key)));
	};
	const submit = async () => {
		if (busy.current)
			return; // a double click is one wish
		busy.current = true;
		await send().finally(() => { busy.current = false; });
	};
	const send = async () => {
		say(true);
		if (!ready)
			return document.querySelector("dialog .wrong input, dialog .wrong select")?.focus();
		const whole = Object.fromEntries(Object.entries(now).filter(([, value]) => value !== undefined));
		const answer = await save(whole, changesOf(entry, now, rows));
		if (answer?.status === 422)
			tell(answer.body.faults ?? []);
		else if (answer && answer.status >= 200 && answer.status < 300)
			onClose(answer);
	};
	const shown = parts ?? [["", rows.map(row => row.key)]];
	return html`<${Dialog} title=${title} onClose=${() => onClose(null)}>
		<form onSubmit=${event => { event.preventDefault(); submit(); }} onfocusout=${() => say(true)}>
			${others.length > 0 && html`<${Notice} kind="warn"><ul class="faults">${others.map((fault, at) => html`<li key=${at}><code>${fault.path}</code> <span>${sentence(fault.message)}</span></li>`)}</ul><//>`}
			${shown.map(([name, keys, open]) => {
				const fields = keys.map(key => rows.find(row => row.key === key)).filter(Boolean).map(row => html`<${Input} key=${row.key}
					row=${row} value=${now[row.key]} set=${put(row.key)} fault=${known[row.key]} said=${said} />`);
				return name === "" ? fields : html`<details key=${name} open=${open || keys.some(key => known[key])}><summary>${t(name)}</summary>${fields}</details>`;
			})}
			${typeof children === "function" ? children(now) : children}
			<div class="bar end"><${Button} onClick=${() => onClose(null)}>${t("cancel")}<//><button type="submit" class="main">${t("save")}</button></div>
		</form><//>`;
}
