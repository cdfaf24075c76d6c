// Who may: the admin token, users, sessions, and the trail of who changed what.
import {Button, Dialog, Empty, Head, Mark, Notice, Scroll, Snippet, Tag, Waiting, ask, change, html, useAsk, useConfig, useState} from "../kit.js";
import {EntryForm, patchEntry, useRows} from "../forms.js";
import {addWords, dateTime, deedText, span, t, wordOf} from "../i18n.js";
import {enter, live, useLive} from "../live.js";
import formWords from "../words/forms.js";
import configWords from "../words/config.js";
import feedWords from "../words/live.js";
import deeds from "../words/deeds.js";
import words from "../words/access.js";
import {Changes} from "./config.js";

addWords(formWords);
addWords(deeds);
addWords(configWords);
addWords(feedWords);
addWords(words);

const USERS = "/api/v1/users";
const pathOf = entry => `${USERS}/${encodeURIComponent(entry.id)}`;

function Token({show}) {
	const renew = async () => {
		if (!await ask({title: t("token_title"), text: t("token_text"), action: t("token_new"), danger: true}))
			return;
		const answer = await change("POST", "/api/v1/access/token", {});
		if (answer.body.token)
			show({name: t("admin_token"), secret: answer.body.token});
	};
	return html`<section class="panel"><header class="bar"><h2>${t("admin_token")}</h2><${Button} kind="small" onClick=${renew}>${t("token_new")}<//></header><p class="soft">${t("token_note")}</p></section>`;
}

function MetricsToken({show}) {
	const renew = async () => {
		if (!await ask({title: t("metrics_token_title"), text: t("metrics_token_text"), action: t("metrics_token_new"), danger: true}))
			return;
		const answer = await change("POST", "/api/v1/access/metrics-token", {});
		if (answer.body.token)
			show({name: t("metrics_token"), secret: answer.body.token});
	};
	return html`<section class="panel"><header class="bar"><h2>${t("metrics_token")}</h2><${Button} kind="small" onClick=${renew}>${t("metrics_token_new")}<//></header><p class="soft">${t("metrics_token_note")}</p></section>`;
}

function Users({show}) {
	const asked = useConfig(USERS);
	const rows = useRows("admin.users");
	const [open, set] = useState(null);
	if (!asked.data || !rows)
		return html`<section class="panel"><${Waiting} asked=${asked} /></section>`;
	const after = promise => promise.then(answer => { asked.again(); return answer; });
	const nameOf = entry => entry.name || entry.id;
	const minted = (answer, name) => answer.body.token && show({name, secret: answer.body.token});
	const save = (entry, changes) => after(open.id ? patchEntry(pathOf(open), open, changes, t("saved_entry", nameOf(entry)))
		: change("POST", USERS, entry, {done: t("added", entry.name), quiet422: true}).then(answer => { minted(answer, entry.name); return answer; }));
	const rotate = async entry => {
		if (await ask({title: t("rotate_title", nameOf(entry)), text: t("rotate_text"), action: t("rotate"), danger: true}))
			minted(await after(change("POST", `${pathOf(entry)}/rotate`, {})), nameOf(entry));
	};
	const remove = async entry => {
		if (await ask({title: t("delete_title", nameOf(entry)), text: t("user_delete_text"), action: t("delete"), danger: true}))
			await after(change("DELETE", pathOf(entry), {}, {done: t("deleted", nameOf(entry))}));
	};
	return html`<section class="panel"><header class="bar"><h2>${t("users")}</h2><${Button} kind="small" onClick=${() => set({name: ""})}>${t("add")}<//></header><p class="soft">${t("users_note")}</p>
		${asked.data.entries.length > 0 && html`<ul class="plain-list">${asked.data.entries.map(entry => {
			const on = entry.enabled !== false && entry.enabled !== 0;
			return html`<li key=${entry.id}><b>${nameOf(entry)}</b><${Tag}>${t(`role_${entry.role ?? "viewer"}`)}<//><${Mark} kind=${on ? "go" : "off"}>${t(on ? "enabled" : "disabled")}<//>
				<span class="bar"><${Button} kind="small" onClick=${() => set(entry)}>${t("edit")}<//>
					<${Button} kind="small" onClick=${() => after(change("POST", `${pathOf(entry)}/${on ? "disable" : "enable"}`, {}))}>${t(on ? "disable" : "enable")}<//>
					<${Button} kind="small" onClick=${() => rotate(entry)}>${t("rotate")}<//><${Button} kind="small" onClick=${() => remove(entry)}>${t("delete")}<//></span></li>`;
		})}</ul>`}
		${open && html`<${EntryForm} key=${open.id ?? "fresh"} rows=${rows} entry=${open} title=${open.id ? t("edit_entry", nameOf(open)) : t("new_user")} save=${save} onClose=${() => set(null)} />`}</section>`;
}

function Sessions() {
	const asked = useAsk("/api/v1/sessions");
	const end = async () => {
		if (await ask({title: t("end_all"), text: t("end_all_text"), action: t("end_all"), danger: true})) {
			await change("DELETE", `/api/v1/sessions${live.session?.role === "admin" ? "?user=*" : ""}`, {});
			await enter();
		}
	};
	return html`<section class="panel"><header class="bar"><h2>${t("sessions")}</h2><${Button} kind="small" onClick=${end}>${t("end_all")}<//></header>
		${asked.data ? html`<ul class="plain-list">${asked.data.sessions.map((one, at) => html`<li key=${at}><b>${one.user}</b><${Tag}>${t(`role_${one.role}`)}<//>${one.own && html`<${Tag}>${t("this_one")}<//>`}
			<span class="soft">${t("session_ages", span(one.born_ms), span(one.used_ms))}</span></li>`)}</ul>` : html`<${Waiting} asked=${asked} />`}</section>`;
}

// "merge api_configs 7f3a" repeats what was done.
const aboutOf = ({action, target}) => target.startsWith(`${action} `) ? target.slice(action.length + 1) : target;

function Audit() {
	const [before, go] = useState(0);
	const asked = useAsk(`/api/v1/audit?limit=50${before ? `&before=${before}` : ""}`);
	const [open, set] = useState(null);
	const entries = asked.data?.entries ?? [];
	return html`<section class="panel"><header class="bar"><h2>${t("audit")}</h2></header>
		${!asked.data ? html`<${Waiting} asked=${asked} />` : entries.length === 0 ? html`<${Empty} title=${t("audit_none")} />`
			: html`<${Scroll}><table class="cards"><thead><tr>${["a_when", "a_who", "a_via", "a_what", "a_revision"].map(key => html`<th key=${key} scope="col">${t(key)}</th>`)}<td></td></tr></thead>
			<tbody>${entries.map(entry => html`<tr key=${entry.seq}><th scope="row">${dateTime(entry.at_ms)}</th><td data-label=${t("a_who")}>${entry.who}</td><td data-label=${t("a_via")} class="soft">${wordOf("via", entry.via)} ${entry.peer}</td>
				<td data-label=${t("a_what")}>${deedText(entry.action)} <span class="soft">${aboutOf(entry)}</span></td><td data-label=${t("a_revision")} class="num">${entry.revision || "–"}</td>
				<td class="acts">${entry.changes?.length > 0 && html`<${Button} kind="small" onClick=${() => set(entry)}>${t("a_changes", entry.changes.length)}<//>`}</td></tr>`)}</tbody></table><//>
			<p class="bar end">${before > 0 && html`<${Button} onClick=${() => go(0)}>${t("newest")}<//>`}<${Button} disabled=${entries.length < 50} onClick=${() => go(entries.at(-1).seq)}>${t("older")}<//></p>`}
		${open && html`<${Dialog} title=${`${deedText(open.action)} ${aboutOf(open)}`} onClose=${() => set(null)}><${Changes} changes=${open.changes} /><//>`}</section>`;
}

export default function Access() {
	useLive();
	const [shown, show] = useState(null);
	const admin = live.session?.role !== "viewer";
	return html`<${Head} title=${t("page_access")} note=${t("access_note")} />
		${admin && html`<${Token} show=${show} /><${MetricsToken} show=${show} /><${Users} show=${show} />`}<${Sessions} />${admin && html`<${Audit} />`}
		${shown && html`<${Dialog} title=${shown.name} onClose=${() => show(null)}><${Notice} kind="warn"><p><b>${t("token_once")}</b></p><//>
			<${Snippet} title=${shown.name} text=${shown.secret} /><div class="bar end"><${Button} kind="main" onClick=${() => show(null)}>${t("token_have")}<//></div><//>`}`;
}
