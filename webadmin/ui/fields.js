// One input for each type of word in the settings table. value undefined: not set, the default holds.
import {Button, Typed, html, useEffect, useRef, useState} from "./kit.js";
import {addWords, languageIndex, t, weekday, wordOf} from "./i18n.js";
import {Hours} from "./hours.js";
import chinese from "./words/help.js";
import names from "./words/settings.js";

addWords(names);

const lines = text => text.split("\n").map(line => line.trim()).filter(Boolean);
const bounds = row => row.min === null && row.max === null ? "" : t("bounds", row.min ?? "−∞", row.max ?? "∞");

// ---- plain values ----

const Text = ({row, value, set, id, type = "text"}) => html`<input id=${id} type=${type} value=${value ?? ""} spellcheck="false"
	autocomplete="off" maxlength=${row.max ?? 4096} placeholder=${row.default ?? ""} onInput=${event => set(event.target.value === "" && !row.required ? undefined : event.target.value)} />`;

function NumberInput({row, value, set, id}) {
	return html`<span class="bar"><input id=${id} class="short" type="number" step=${row.type === "integer" ? 1 : "any"} min=${row.min} max=${row.max}
		value=${value ?? ""} placeholder=${row.default ?? ""} onInput=${event => set(event.target.value === "" ? undefined : Number(event.target.value))} />
		${row.unit && html`<span class="soft">${wordOf("unit", row.unit)}</span>`}</span>`;
}

// "default" is a choice of its own, so that what was never set stays so.
function Word({row, value, set, id}) {
	const options = row.type === "flag" ? [["true", t("on")], ["false", t("off")]] : row.words.map(word => [word, wordText(word)]);
	const now = value === undefined || value === null ? "" : row.type === "flag" ? String(Boolean(value)) : value;
	const pick = text => set(text === "" ? undefined : row.type === "flag" ? text === "true" : text);
	const usual = row.default === null ? t("not_set") : t("default_is", row.type === "flag" ? t(row.default ? "on" : "off") : wordText(row.default));
	return html`<select id=${id} value=${now} onChange=${event => pick(event.target.value)}><option value="" selected=${now === ""}>${usual}</option>
		${options.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === now}>${text}</option>`)}</select>`;
}

export const wordText = word => t(`w_${word}`) === `w_${word}` ? word : t(`w_${word}`);

// The key is never shown: what is typed replaces it, nothing typed leaves it as it is, and only a button removes it.
function Key({row, value, set, id}) {
	const first = useRef(value ?? "");
	const stored = row.value === undefined ? first.current : row.value ?? "";
	const none = row.required ? "" : undefined;
	const [doing, now] = useState(""); // "", "replacing", "removing"
	useEffect(() => now(""), [stored]);
	if (doing === "" && stored !== "" && value === stored)
		return html`<span class="bar"><code>${value}</code><${Button} kind="small" onClick=${() => now("replacing")}>${t("replace_key")}<//>
			<${Button} kind="small" onClick=${() => { now("removing"); set(none); }}>${t("remove_key")}<//></span>`;
	const kept = doing === "replacing" && stored !== "";
	return html`<input id=${id} type="password" autocomplete="new-password" spellcheck="false" maxlength="8192" value=${value === stored ? "" : value ?? ""}
		placeholder=${t(kept ? "key_stays" : "key_empty")} onInput=${event => set(event.target.value || (kept ? stored : none))} />`;
}

let zones = null;
function Zone(props) {
	zones ??= Intl.supportedValuesOf("timeZone");
	return html`<${Text} ...${props} /><datalist id="zones">${zones.map(zone => html`<option key=${zone} value=${zone} />`)}</datalist>`;
}

// ---- lists ----

const Lines = ({value, set, id}) => html`<${Typed} as="textarea" id=${id} rows=${Math.min(8, Math.max(2, (value?.length ?? 0) + 1))}
	text=${(value ?? []).join("\n")} placeholder=${t("one_a_line")} onText=${text => set(lines(text).length ? lines(text) : undefined)} />`;

function Words({row, value, set, id}) {
	const chosen = value ?? [];
	const words = row.words ?? ["claude", "codex", "chat"];
	const toggle = word => {
		const next = chosen.includes(word) ? chosen.filter(other => other !== word) : [...chosen, word];
		set(next.length ? next : undefined);
	};
	return html`<span id=${id} class="checks">${words.map(word => html`<label key=${word} class="check">
		<input type="checkbox" checked=${chosen.includes(word)} onChange=${() => toggle(word)} /> ${row.type === "groups" ? t(word) : wordText(word)}</label>`)}</span>`;
}

function Week({value, set, id}) {
	const days = Array.from({length: 7}, (_, at) => value?.[at] === undefined ? 1 : Number(value[at]));
	const flip = at => {
		const next = days.map((on, other) => other === at ? 1 - on : on);
		set(next.every(Boolean) ? undefined : next);
	};
	return html`<span id=${id} class="choice days">${days.map((on, at) => html`<button key=${at} type="button" aria-pressed=${on ? "true" : "false"}
		onClick=${() => flip(at)}>${weekday(at)}</button>`)}</span>`;
}

// ---- pairs ----

// {from: to} with a row for each, in the order of the object.
function Pairs({value, set, id, left, right, Right, start}) {
	const rows = Object.entries(value ?? {});
	const put = next => set(next.length ? Object.fromEntries(next) : undefined);
	const [fresh, type] = useState("");
	return html`<span id=${id} class="pairs">${rows.map(([name, to], at) => html`<span key=${name} class="bar"><code>${name}</code> →
			<${Right} value=${to} label=${`${name}: ${right}`} set=${next => put(rows.map((row, other) => other === at ? [name, next] : row))} />
			<button type="button" class="plain" aria-label=${t("remove_it", name)} onClick=${() => put(rows.filter((_, other) => other !== at))}>✕</button></span>`)}
		<span class="bar"><input value=${fresh} aria-label=${left} placeholder=${left} spellcheck="false" maxlength="256" onInput=${event => type(event.target.value)} />
			<${Button} kind="small" disabled=${fresh.trim() === ""} onClick=${() => { put([...rows, [fresh.trim(), start]]); type(""); }}>${t("add")}<//></span></span>`;
}

const Sent = ({value, set, label}) => html`<${Typed} aria-label=${label} text=${value} maxlength="256" onText=${set} />`;
const ModelMap = props => html`<${Pairs} ...${props} left=${t("asked_name")} right=${t("sent_name")} start="*" Right=${Sent} />`;

const planOf = text => /^(on|off)$/.test(text.trim()) ? text.trim() : text.split(",").map(part => part.trim());
const Plan = ({value, set, label}) => html`<${Typed} aria-label=${label} text=${Array.isArray(value) ? value.join(", ") : value} onText=${text => set(planOf(text))} />`;
const Dates = props => html`<${Pairs} ...${props} left="2026-12-25" right=${t("plan")} start="off" Right=${Plan} />`;

const STRATEGIES = ["switch_api", "strategy_retry", "normal_retry"];

// What follows on errors: every row of the default is there, those that differ from it stand out.
function Strategies({row, value, set, id}) {
	const shown = {...row.default, ...value};
	const [fresh, type] = useState("");
	const change = (name, word) => {
		const next = {...value};
		if (word === "")
			delete next[name];
		else
			next[name] = word;
		set(Object.keys(next).length ? next : undefined);
	};
	const label = name => /^\d/.test(name) && t(`http_${name}`) !== `http_${name}` ? `${name} ${t(`http_${name}`)}` : name;
	return html`<span id=${id} class="strategies">${Object.keys(shown).map(name => html`<label key=${name} class=${value?.[name] !== undefined ? "set" : ""}>
			<span>${name === "default" ? t("all_others") : label(name)}</span>
			<select value=${value?.[name] ?? ""} onChange=${event => change(name, event.target.value)}>
				<option value="" selected=${value?.[name] === undefined}>${row.default?.[name] ? `(${t(`w_${row.default[name]}`)})` : t("not_set")}</option>
				${STRATEGIES.map(word => html`<option key=${word} value=${word} selected=${value?.[name] === word}>${t(`w_${word}`)}</option>`)}</select></label>`)}
		<span class="bar"><input class="short" value=${fresh} aria-label=${t("another_error")} placeholder=${row.type === "statuses" ? "418, 5xx" : "WriteError"} onInput=${event => type(event.target.value)} />
			<${Button} kind="small" disabled=${fresh.trim() === ""} onClick=${() => { change(fresh.trim(), "switch_api"); type(""); }}>${t("add")}<//></span></span>`;
}

const inputs = {flag: Word, word: Word, integer: NumberInput, number: NumberInput, key: Key, zone: Zone, models: Lines, addresses: Lines,
	words: Words, groups: Words, week: Week, hours: Hours, dates: Dates, model_map: ModelMap, statuses: Strategies, errors: Strategies,
	clock: props => html`<${Text} ...${props} type="time" />`, day: props => html`<${Text} ...${props} type="date" />`};
// Those that are more than one input are a group of their own, not a label's.
const groups = ["words", "groups", "week", "hours", "dates", "model_map", "statuses", "errors", "key"];

// What is wrong with a value before it is sent: the same bounds as the control plane's.
export function faultOf(row, value) {
	if (value === undefined || value === null || value === "")
		return row.required && value !== "" ? t("is_required") : "";
	if (row.type === "integer" || row.type === "number") {
		if (!Number.isFinite(value) || (row.type === "integer" && !Number.isInteger(value)))
			return t("no_number");
		return (row.min !== null && value < row.min) || (row.max !== null && value > row.max) ? bounds(row) : "";
	}
	if (row.type === "url")
		return /^https?:\/\/[^\s/]+/i.test(value) ? "" : t("no_url");
	return "";
}

const helpOf = row => languageIndex() ? chinese[row.path.replace(/^routing\.\w+\./, "routing.")] ?? row.help : row.help;

export function Input({row, value, set, fault, said, marked}) {
	const Kind = inputs[row.type] ?? Text;
	const id = `f-${row.path.replace(/\W/g, "-")}`;
	const problem = fault || faultOf(row, value);
	const help = [helpOf(row), ["integer", "number"].includes(row.type) ? bounds(row) : ""];
	const label = t(`l_${row.key}`) === `l_${row.key}` ? row.key : t(`l_${row.key}`);
	const isGroup = groups.includes(row.type);
	const isSet = value !== undefined && value !== null && row.default !== undefined && marked;
	return html`<div class=${`row ${problem && (fault || said) ? "wrong" : isSet ? "set" : ""}`} role=${isGroup ? "group" : undefined} aria-labelledby=${isGroup ? `${id}-l` : undefined}>
		<div class="row-label">${isGroup ? html`<span id=${`${id}-l`}>${label}</span>` : html`<label for=${id}>${label}</label>`}
			${label !== row.key && html`<code>${row.key}</code>`}${row.unused && html`<span class="tag">${t("no_effect")}</span>`}</div>
		<div class="row-input"><${Kind} row=${row} value=${value} set=${set} id=${id} />
			${value !== undefined && value !== null && value !== "" && !row.required && row.type !== "key" && html`<button type="button" class="plain small" aria-label=${t("default_for", label)} title=${t("back_to_default")} onClick=${() => set(undefined)}>↺</button>`}
			${problem && (fault || said) && html`<p class="fault" role="alert">${problem}</p>`}
			<p class="help">${help.filter(Boolean).join(" ")}</p></div></div>`;
}
