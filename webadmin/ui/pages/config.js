// The configuration as a whole: the document, its history, import and export.
import {Button, Choice, Head, Notice, Scroll, Waiting, ask, change, html, useAsk, useConfig, useEffect, useState} from "../kit.js";
import {call} from "../api.js";
import {addWords, bytes, dateTime, deedText, number, sentence, t, wordOf} from "../i18n.js";
import {live, useLive} from "../live.js";
import formWords from "../words/forms.js";
import deeds from "../words/deeds.js";
import words from "../words/config.js";

addWords(formWords);
addWords(deeds);
addWords(words);

const CHECK_MS = 600;
const FILE_MAX = 4 << 20;

const short = value => value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);

export function Changes({changes}) {
	if (!changes?.length)
		return html`<p class="soft">${t("no_changes")}</p>`;
	return html`<${Scroll}><table class="diff"><thead><tr><th scope="col">${t("place")}</th><th scope="col">${t("before")}</th><th scope="col">${t("after")}</th></tr></thead>
		<tbody>${changes.slice(0, 200).map((item, at) => html`<tr key=${at}><th scope="row"><code>${item.path}</code></th>
			<td class=${item.from === null || item.from === undefined ? "soft" : "minus"}><code>${short(item.from)}</code></td>
			<td class=${item.to === null || item.to === undefined ? "soft" : "plus"}><code>${short(item.to)}</code></td></tr>`)}</tbody></table><//>
		${changes.length > 200 && html`<p class="soft">${t("n_more", number(changes.length - 200))}</p>`}`;
}

const Faults = ({list, kind}) => list?.length > 0 && html`<${Notice} kind=${kind}><ul class="faults">${list.map((fault, at) => html`<li key=${at}><code>${fault.path}</code> <span>${sentence(fault.message)}</span></li>`)}</ul><//>`;

// ---- the document ----

function parse(text) {
	try {
		const document = JSON.parse(text);
		return document && typeof document === "object" && !Array.isArray(document) ? {document} : {wrong: t("no_object")};
	} catch (error) {
		return {wrong: error.message};
	}
}

function Document({may}) {
	const asked = useConfig("/api/v1/config");
	// The text with the state of the configuration from which it was made: what others have changed since is not written over.
	const [{text, etag}, draft] = useState({text: null});
	const edit = next => draft(before => ({text: next, etag: before.etag ?? asked.data.etag}));
	const leave = () => {
		draft({text: null});
		asked.again();
	};
	const [checked, tell] = useState(null);
	const original = asked.data && JSON.stringify(asked.data.document, null, 2);
	const now = text ?? original;
	const {document, wrong} = now ? parse(now) : {};
	useEffect(() => {
		tell(null);
		if (text === null || wrong)
			return undefined;
		const wait = setTimeout(() => call("POST", "/api/v1/config/check", document).then(answer => tell(answer.body)), CHECK_MS);
		return () => clearTimeout(wait);
	}, [text]);
	if (!asked.data)
		return html`<${Waiting} asked=${asked} lines=${10} />`;
	const save = async () => {
		const answer = await change("PUT", "/api/v1/config", document, {ifMatch: etag, quiet422: true, done: t("document_saved")});
		if (answer.status === 422)
			tell({valid: false, ...answer.body});
		if (answer.status === 200)
			leave();
	};
	return html`<p class="soft">${t("document_note")} <code>${asked.data.config_path}</code></p>
		<textarea class="document" aria-label=${t("page_config")} spellcheck="false" readonly=${!may} rows="28" value=${now} aria-invalid=${wrong ? "true" : undefined} onInput=${event => edit(event.target.value)} />
		${wrong && html`<p class="fault" role="alert">${wrong}</p>`}
		${checked && html`<${Faults} list=${checked.faults} kind="stop" /><${Faults} list=${checked.warnings} kind="warn" />
			${checked.valid && html`<h3>${t("would_change")}</h3><${Changes} changes=${checked.changes} />`}`}
		${may && html`<div class="bar save"><${Button} kind="main" disabled=${text === null || wrong || !checked?.valid} onClick=${save}>${t("save")}<//>
			<${Button} disabled=${text === null} onClick=${leave}>${t("discard")}<//>
			<${Button} onClick=${() => change("POST", "/api/reload", {}, {done: t("read_again")}).then(asked.again)}>${t("reload")}<//></div>`}`;
}

// ---- history ----

function Revision({number: revision, current, restore, may}) {
	const [against, choose] = useState("before");
	const before = useAsk(`/api/v1/config/revisions/${revision}`);
	const now = useAsk(against === "now" ? `/api/v1/config/diff?from=${revision}` : null);
	const shown = against === "now" ? now : before;
	return html`<div class="bar"><${Choice} label=${t("against")} value=${against} onChange=${choose} options=${[["before", t("against_before")], ["now", t("against_now")]]} />
			${may && !current && html`<${Button} onClick=${restore}>${t("restore")}<//>`}</div>
		${shown.data ? html`<${Changes} changes=${shown.data.changes} />` : html`<${Waiting} asked=${shown} />`}`;
}

function History({may}) {
	const asked = useConfig("/api/v1/config/revisions");
	const [open, set] = useState(null);
	if (!asked.data)
		return html`<${Waiting} asked=${asked} />`;
	const restore = async revision => {
		if (await ask({title: t("restore_title", revision), text: t("restore_text"), action: t("restore"), danger: true})) {
			await change("POST", `/api/v1/config/revisions/${revision}/restore`, {}, {done: t("restored", revision)});
			set(null);
			asked.again();
		}
	};
	return html`<ol class="history">${asked.data.revisions.map(item => {
		const current = item.revision === asked.data.revision;
		return html`<li key=${item.revision}><button type="button" class="plain line" aria-expanded=${open === item.revision ? "true" : "false"} onClick=${() => set(open === item.revision ? null : item.revision)}>
			<b>${item.revision}</b><span>${dateTime(item.at_ms)}</span><span>${deedText(item.what)}</span><span class="soft">${item.who}${t("comma")}${wordOf("via", item.via)}</span><span class="soft num">${bytes(item.bytes)}</span>
			${current && html`<span class="tag">${t("serves_now")}</span>`}</button>
			${open === item.revision && html`<div class="inside"><${Revision} number=${item.revision} current=${current} may=${may} restore=${() => restore(item.revision)} /></div>`}</li>`;
	})}</ol>`;
}

// ---- import and export ----

// LiteLLM's files are YAML: they are read here, since the gateway takes JSON.
async function asJson(text) {
	try {
		JSON.parse(text);
		return text;
	} catch {
		const yaml = await import("../npm/yaml.js");
		const read = yaml.load(text);
		return read && typeof read === "object" ? JSON.stringify(read) : text;
	}
}

const FORMATS = ["auto", "pointsman", "cc-switch", "claude-code-router", "litellm"];

function Import({may}) {
	const [text, type] = useState("");
	const [format, choose] = useState("auto");
	const [told, tell] = useState(null);
	// What was looked at is what is taken: another text or format is looked at anew.
	const put = next => {
		type(next);
		tell(null);
	};
	const take = async file => {
		if (file?.size > FILE_MAX)
			tell({status: 0, body: {message: t("file_too_large", bytes(file.size), bytes(FILE_MAX))}});
		else if (file)
			put(await file.text());
	};
	const look = async () => {
		try {
			tell(await call("POST", "/api/v1/import", {text: await asJson(text), format}));
		} catch (error) {
			tell({status: 0, body: {message: error.message}});
		}
	};
	const apply = async () => {
		const answer = await change("POST", "/api/v1/import", {text: await asJson(text), format, apply: true}, {done: t("imported"), quiet422: true});
		tell(answer.status === 200 ? null : answer);
		if (answer.status === 200)
			type("");
	};
	const body = told?.body;
	return html`<section class="panel"><header class="bar"><h2>${t("import")}</h2></header><p class="soft">${t("import_note")}</p>
		<div class="drop" onDragOver=${event => event.preventDefault()} onDrop=${event => { event.preventDefault(); take(event.dataTransfer.files[0]); }}>
			<textarea rows="8" aria-label=${t("import_text")} placeholder=${t("import_drop")} spellcheck="false" value=${text} onInput=${event => put(event.target.value)} /></div>
		<div class="bar"><input type="file" aria-label=${t("import_file")} onChange=${event => take(event.target.files[0])} />
			<select aria-label=${t("format")} value=${format} onChange=${event => { choose(event.target.value); tell(null); }}>${FORMATS.map(name => html`<option key=${name} value=${name} selected=${name === format}>${name === "auto" ? t("format_auto") : name}</option>`)}</select>
			<${Button} disabled=${!text.trim()} onClick=${look}>${t("preview")}<//></div>
		${told && told.status !== 200 && html`<${Notice} kind="stop"><p>${body.message ? sentence(body.message) : t("failed_somehow")}</p><//>`}
		${body && html`<${Faults} list=${body.faults} kind="stop" />`}
		${body?.items && html`<h3>${t("would_come", body.items.length)} <span class="tag">${body.format}</span></h3>
			<ul class="plain-list">${body.items.map((item, at) => html`<li key=${at}><span>${item.what ?? item.section} <b>${item.name}</b></span><span class="soft">${t(item.fresh === false ? "is_there" : "is_new")}</span></li>`)}</ul>
			${body.skipped?.length > 0 && html`<h3>${t("left_out")}</h3><${Faults} list=${body.skipped} kind="warn" />`}
			${body.changes && html`<h3>${t("would_change")}</h3><${Changes} changes=${body.changes} />`}
			${may && html`<div class="bar end"><${Button} kind="main" disabled=${body.items.length === 0 || body.faults?.length > 0} onClick=${apply}>${t("import_take")}<//></div>`}`}</section>`;
}

const Export = () => html`<section class="panel"><header class="bar"><h2>${t("export")}</h2></header><p class="soft">${t("export_note")}</p>
	<p><a class="button" href="/api/v1/config/export" download="pointsman.json">${t("export_take")}</a></p></section>`;

const VIEWS = ["document", "history", "exchange"];

export default function Config({here}) {
	useLive();
	const view = VIEWS.includes(here.rest[0]) ? here.rest[0] : "document";
	const may = live.session?.role !== "viewer";
	return html`<${Head} title=${t("page_config")} />
		<div class="tabs" role="navigation" aria-label=${t("page_config")}>${VIEWS.map(name => html`<a key=${name} href=${`#/config/${name}`} aria-current=${name === view ? "page" : undefined}>${t(`config_${name}`)}</a>`)}</div>
		${view === "document" ? html`<${Document} may=${may} />` : view === "history" ? html`<${History} may=${may} />` : html`<${Import} may=${may} /><${Export} />`}`;
}
