// Every word that is no list's, by section, with its unit, range, default and one line of help.
import {Button, Head, Waiting, html, useConfig, useEffect, useRef, useState} from "../kit.js";
import {Input, faultOf} from "../fields.js";
import {patchUnless, same} from "../forms.js";
import {addWords, sentence, t} from "../i18n.js";
import {live, useLive} from "../live.js";
import formWords from "../words/forms.js";
import {Alerts} from "./alerts.js";
import {List} from "./lists.js";

addWords(formWords);

const SECTIONS = ["rules", "error_handling_strategies", "timeout_settings", "routing", "optimization_settings", "capabilities", "prices", "activation", "statistics", "alerts", "tracing", "server"];
const LISTS = ["rules", "capabilities", "prices"];
const ROUTES = ["claude", "codex", "chat", "chat_via_claude", "retry"];

// Of what follows on errors only what is another than the default.
function ownPart(row) {
	if (row.type !== "statuses" && row.type !== "errors")
		return row.value ?? undefined;
	return Object.fromEntries(Object.entries(row.value ?? {}).filter(([name, word]) => row.default?.[name] !== word));
}

function Section({rows, etag, again}) {
	const [edits, set] = useState({});
	const [faults, tell] = useState({});
	const base = useRef({}); // what each edited word was when its editing began
	const may = live.session?.role !== "viewer";
	const count = Object.keys(edits).length;
	// Words that somebody else has set meanwhile are told anew; what is being edited here stays.
	useEffect(() => tell({}), [etag]);
	const valueOf = row => row.path in edits ? edits[row.path] ?? undefined : row.changed ? ownPart(row) : undefined;
	const put = row => value => {
		base.current[row.path] ??= [row.value];
		tell(({[row.path]: _, ...rest}) => rest);
		set(before => ({...before, [row.path]: value ?? null}));
	};
	const bad = rows.some(row => row.path in edits && faultOf(row, edits[row.path] ?? undefined));
	const save = async () => {
		const answer = await patchUnless("/api/v1/settings", edits, now => now.rows.some(row => row.path in edits
			&& base.current[row.path] && !same(row.value, base.current[row.path][0])));
		if (answer.status === 422)
			return tell(Object.fromEntries(answer.body.faults.map(fault => [rows.find(row => fault.path.startsWith(row.path))?.path ?? fault.path, sentence(fault.message)])));
		if (answer.status === 200) {
			base.current = {};
			// What was typed while it was being saved is still to be saved.
			set(before => Object.fromEntries(Object.entries(before).filter(([path, value]) => value !== edits[path])));
			again();
		}
	};
	const discard = () => {
		base.current = {};
		set({});
		again();
	};
	const lost = Object.entries(faults).filter(([path]) => !rows.some(row => row.path === path));
	return html`<form onSubmit=${event => { event.preventDefault(); if (count && !bad) save(); }}>
		<fieldset class="words" disabled=${!may}>${rows.map(row => html`<${Input} key=${row.path} row=${row} value=${valueOf(row)} set=${put(row)} fault=${faults[row.path]} said marked />`)}</fieldset>
		${lost.map(([path, message]) => html`<p key=${path} class="fault" role="alert">${path}: ${message}</p>`)}
		${may && html`<div class="bar save"><${Button} kind="main" disabled=${!count || bad} onClick=${save}>${t("save")}<//>
			<${Button} disabled=${!count} onClick=${discard}>${t("discard")}<//><span class="soft">${count ? t("n_changes", count) : ""}</span></div>`}</form>`;
}

const sectionOf = name => name === "server" ? section => section.startsWith("server") : section => section === name;

export default function Settings({here}) {
	useLive();
	const asked = useConfig("/api/v1/settings");
	const name = SECTIONS.includes(here.rest[0]) ? here.rest[0] : SECTIONS[0];
	const route = ROUTES.includes(here.rest[1]) ? here.rest[1] : ROUTES[0];
	const hidden = ["any", "id", "sha256"];
	const rowsOf = wanted => asked.data.rows.filter(row => sectionOf(wanted)(row.section) && !hidden.includes(row.type) && !row.path.includes("[]"));
	const changed = wanted => !asked.data || LISTS.includes(wanted) ? 0
		: asked.data.rows.filter(row => (wanted === "routing" ? row.section.startsWith("routing.") : sectionOf(wanted)(row.section)) && row.changed && !hidden.includes(row.type)).length;
	return html`<${Head} title=${t("page_settings")} note=${t("settings_note")} />
		<div class="tabs" role="navigation" aria-label=${t("page_settings")}>${SECTIONS.map(section => html`<a key=${section} href=${`#/settings/${section}`}
			aria-current=${section === name ? "page" : undefined}>${t(`section_${section}`)}${changed(section) > 0 && html` <span class="tag" title=${t("n_changed", changed(section))}>${changed(section)}</span>`}</a>`)}</div>
		${name === "routing" && html`<div class="tabs sub" role="navigation" aria-label=${t("section_routing")}>${ROUTES.map(group => html`<a key=${group} href=${`#/settings/routing/${group}`}
			aria-current=${group === route ? "page" : undefined}>${t(group)}</a>`)}</div>`}
		${LISTS.includes(name) ? html`<${List} key=${name} name=${name} />`
			: asked.data ? html`${name === "alerts" && html`<${Alerts} />`}<${Section} key=${`${name} ${route}`} rows=${rowsOf(name === "routing" ? `routing.${route}` : name)} etag=${asked.etag} again=${asked.again} />` : html`<${Waiting} asked=${asked} lines=${8} />`}`;
}
