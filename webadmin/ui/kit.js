// The parts that pages are made of. Text becomes text nodes and attributes, never markup.
import {html, useEffect, useRef, useState} from "./npm/htm.js";
import {call, get} from "./api.js";
import {sentence, t, time} from "./i18n.js";
import {useLive, whenApplied} from "./live.js";

export * from "./npm/htm.js";

// ---- what lies above the page: words that pass, and questions ----

const above = {toasts: [], question: null, draw: () => {}};
let toastCount = 0;
const SHOWN_MS = 5000;

// Shown for so long; 0: until it says something else.
export function toast(text, kind = "note", ms = SHOWN_MS) {
	const item = {id: ++toastCount, text, kind};
	above.toasts = [...above.toasts.slice(-3), item];
	above.draw();
	const say = (next, nextKind = kind, nextMs = ms || SHOWN_MS) => {
		Object.assign(item, {text: next, kind: nextKind});
		above.draw();
		setTimeout(() => {
			above.toasts = above.toasts.filter(other => other !== item);
			above.draw();
		}, nextMs);
	};
	if (ms)
		say(text);
	return say; // says another text in its place
}

// Settles with true when the person goes on.
export function ask({title, text, action, danger}) {
	return new Promise(settle => {
		above.question = {title, text, action, danger, settle};
		above.draw();
	});
}

export function Above() {
	const [, draw] = useState(0);
	above.draw = () => draw(n => n + 1);
	const answer = said => {
		const {settle} = above.question;
		above.question = null;
		above.draw();
		settle(said);
	};
	const q = above.question;
	return html`
		<div class="toasts" role="status" aria-live="polite">
			${above.toasts.map(item => html`<p key=${item.id} class=${`toast ${item.kind}`}>${item.text}</p>`)}
		</div>
		${q && html`<${Dialog} title=${q.title} onClose=${() => answer(false)} small>
			<p>${q.text}</p>
			<div class="bar end">
				<${Button} onClick=${() => answer(false)}>${t("cancel")}<//>
				<${Button} kind=${q.danger ? "danger" : "main"} onClick=${() => answer(true)}>${q.action}<//>
			</div>
		<//>`}`;
}

// The browser's own modal: keeps the focus inside, ends with Escape.
export function Dialog({title, onClose, small, children}) {
	const box = useRef();
	useEffect(() => {
		const before = document.activeElement;
		box.current.showModal();
		return () => before?.focus?.();
	}, []);
	return html`<dialog ref=${box} class=${small ? "small" : ""} aria-label=${title}
			onCancel=${event => { event.preventDefault(); onClose(); }}>
		<header class="bar"><h2>${title}</h2>
			<button type="button" class="plain" aria-label=${t("close")} onClick=${onClose}>✕</button></header>
		${children}
	</dialog>`;
}

// ---- changes ----

const failures = {0: "admin_away", 403: "may_not", 404: "is_gone", 412: "changed_meanwhile", 429: "too_often",
	503: "control_away"};

export function failureText(answer) {
	const faults = answer.body.faults;
	if (answer.status === 422 && faults?.length)
		return faults.map(fault => `${fault.path}: ${sentence(fault.message)}`).join(" · ");
	return answer.status in failures || !answer.body.message ? t(failures[answer.status] ?? "failed_somehow", answer.wait)
		: sentence(answer.body.message);
}

// Tells what became of a change: what went wrong, or when all data planes have applied it.
change.told = (answer, {done, quiet422} = {}) => {
	if (answer.status < 200 || answer.status > 299) {
		if (!(quiet422 && answer.status === 422))
			toast(failureText(answer), "bad", 8000);
		return answer;
	}
	const {version, changed} = answer.body;
	if (version === undefined || changed === false) {
		toast(done ?? t("done"), "good");
		return answer;
	}
	const say = toast(`${done ?? t("saved")} ${t("applying")}`, "note", 0);
	whenApplied(version).then(at => at === null ? say(`${done ?? t("saved")} ${t("applied_late")}`, "warn", 8000)
		: say(`${done ?? t("saved")} ${t("applied_at", time(at))}`, "good"));
	return answer;
};

// A change, and the news of it. Returns the answer.
export async function change(method, path, body, {ifMatch = "*", ...more} = {}) {
	return change.told(await call(method, path, body, {ifMatch}), more);
}

// ---- questions ----

// What a path answers: {data, etag, failed, busy, again}; the old data stays while it is asked anew.
export function useAsk(path) {
	const [known, set] = useState({data: null, failed: null, busy: true});
	const [round, next] = useState(0);
	useEffect(() => {
		let stale = false;
		if (path === null)
			return undefined;
		set(before => ({...before, busy: true}));
		get(path).then(answer => stale || set(before => answer.status === 200
			? {data: answer.body, etag: answer.etag ?? answer.body.etag, failed: null, busy: false}
			: {...before, failed: answer, busy: false}));
		return () => { stale = true; };
	}, [path, round]);
	return {...known, again: () => next(n => n + 1)};
}

// What a path answers of the configuration: asked anew when that is another, whoever has changed it.
export function useConfig(path) {
	const revision = useLive().state?.revision;
	const asked = useAsk(path);
	const seen = useRef(revision);
	useEffect(() => {
		if (revision !== undefined && seen.current !== undefined && revision !== seen.current)
			asked.again();
		seen.current = revision ?? seen.current;
	}, [revision]);
	return asked;
}

// What upstreams (group:id) and client keys are called; the list is said of those that share a name.
export function namesOf(state) {
	const upstreams = (state?.groups ?? []).flatMap(group => group.upstreams.map(({id, name}) => ({id: `${group.group}:${id}`, group: group.group, name})));
	const count = new Map();
	for (const {name} of upstreams)
		count.set(name, (count.get(name) ?? 0) + 1);
	const inGroup = new Map();
	for (const {name, group} of upstreams)
		inGroup.set(`${group} ${name}`, (inGroup.get(`${group} ${name}`) ?? 0) + 1);
	const apart = ({id, group, name}) => count.get(name) === 1 ? name
		: `${name} (${t(group)}${inGroup.get(`${group} ${name}`) > 1 ? ` ${id.split(":")[1]}` : ""})`;
	return new Map([...upstreams.map(upstream => [upstream.id, apart(upstream)]),
		...(state?.client_keys ?? []).map(key => [key.id, key.name || key.id])]);
}

// While there is nothing to show: why.
export function Waiting({asked, lines = 4}) {
	if (asked.failed)
		return html`<${Notice} kind="stop"><p>${failureText(asked.failed)}</p>
			<p><${Button} onClick=${asked.again}>${t("try_again")}<//></p><//>`;
	return html`<div class="skeleton" role="status" aria-label=${t("loading")}>
		${Array.from({length: lines}, (_, at) => html`<i key=${at} />`)}</div>`;
}

// ---- small parts ----

export function Button({onClick, kind = "", busy, disabled, title, children, ...rest}) {
	const [working, set] = useState(false);
	const there = useRef(true);
	useEffect(() => () => { there.current = false; }, []);
	const press = async event => {
		const work = onClick?.(event);
		if (!(work instanceof Promise))
			return;
		set(true);
		try {
			await work;
		} finally {
			if (there.current)
				set(false);
		}
	};
	return html`<button type="button" class=${kind} title=${title} disabled=${disabled || busy || working}
		aria-busy=${busy || working ? "true" : undefined} onClick=${press} ...${rest}>${children}</button>`;
}

export const Notice = ({kind = "", children}) =>
	html`<div class=${`notice ${kind}`} role=${kind === "stop" ? "alert" : "note"}>${children}</div>`;

export const Empty = ({title, children}) =>
	html`<div class="empty"><p class="empty-title">${title}</p>${children}</div>`;

export const Mark = ({kind, children}) => html`<span class=${`mark ${kind}`}>${children}</span>`;

export const Tag = ({kind = "", children}) => html`<span class=${`tag ${kind}`}>${children}</span>`;

export const Head = ({title, note, children}) => html`<header class="page-head">
	<div><h1>${title}</h1>${note && html`<p class="soft">${note}</p>`}</div>
	${children && html`<div class="bar">${children}</div>`}</header>`;

// A control whose text is told at every key but shown as it was typed until it is left: what the text
// means may be written otherwise, and a page that is drawn anew meanwhile must not take it away.
export function Typed({as = "input", text, onText, ...rest}) {
	const [typed, type] = useState(null);
	return html`<${as} ...${rest} spellcheck="false" value=${typed ?? text} onBlur=${() => type(null)}
		onInput=${event => { type(event.target.value); onText(event.target.value); }} />`;
}

// One of few, as a row of buttons.
export const Choice = ({label, value, options, onChange}) => html`<div class="choice" role="group" aria-label=${label}>
	${options.map(([name, text]) => html`<button key=${name} type="button" aria-pressed=${name === value ? "true" : "false"}
		onClick=${() => onChange(name)}>${text}</button>`)}</div>`;

let fieldCount = 0;

// One control with its label; the label is tied to whatever control stands in it.
export function Field({label, help, fault, children}) {
	const place = useRef();
	useEffect(() => {
		const control = place.current.querySelector("input, select, textarea");
		control.id ||= `field-${++fieldCount}`;
		place.current.querySelector("label").htmlFor = control.id;
	}, []);
	return html`<div class=${fault ? "field wrong" : "field"} ref=${place}><label class="label">${label}</label>${children}
		${fault && html`<span class="fault" role="alert">${fault}</span>`}
		${help && html`<span class="help">${help}</span>`}</div>`;
}

// Without the clipboard the text is selected at least.
export function Snippet({title, text}) {
	const place = useRef();
	const copy = async () => {
		const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
		if (!done)
			getSelection().selectAllChildren(place.current);
		toast(t(done ? "copied" : "copy_failed"), done ? "good" : "note");
	};
	return html`<div class="snippet"><div class="bar"><span class="label">${title}</span>
		<${Button} kind="small" onClick=${copy}>${t("copy")}<//></div>
		<pre ref=${place} tabindex="0"><code>${text}</code></pre></div>`;
}

// A table that is wider than its place can be scrolled with the keyboard too.
export function Scroll({children}) {
	const place = useRef();
	useEffect(() => {
		const look = () => { place.current.tabIndex = place.current.scrollWidth > place.current.clientWidth ? 0 : -1; };
		const watch = new ResizeObserver(look);
		watch.observe(place.current);
		return () => watch.disconnect();
	}, []);
	return html`<div class="scroll" ref=${place}>${children}</div>`;
}

// Little columns; each has {good, bad, title}.
export function Bars({columns, label, height = 22}) {
	const most = Math.max(1, ...columns.map(column => column.good + column.bad));
	const tall = value => value === 0 ? 0 : Math.max(1.5, value / most * (height - 1));
	return html`<svg class="bars" role="img" aria-label=${label} viewBox=${`0 0 ${columns.length * 4} ${height}`}
			preserveAspectRatio="none">
		<path class="floor" d=${columns.map((_, at) => `M${at * 4} ${height - 1}h3v1h-3z`).join("")} />
		${columns.map((column, at) => {
			if (!column.good && !column.bad)
				return null; // nothing but the floor: there may be a thousand of these pictures
			const good = tall(column.good), bad = tall(column.bad);
			return html`<g key=${at}><title>${column.title}</title>
				<rect class="good" x=${at * 4} y=${height - good} width="3" height=${good} />
				<rect class="bad" x=${at * 4} y=${Math.max(0, height - good - bad)} width="3" height=${bad} /></g>`;
		})}</svg>`;
}

// How much of a whole: 0 to 1.
export const Meter = ({share, kind = "", label}) => html`<svg class=${`meter ${kind}`} role="img" aria-label=${label}
	viewBox="0 0 100 4" preserveAspectRatio="none"><rect class="floor" width="100" height="4" />
	<rect class="fill" width=${Math.max(0, Math.min(1, share)) * 100} height="4" /></svg>`;
