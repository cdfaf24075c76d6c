// Client keys: create (shown once), limits and what is used of them, set-up for agents, revoke.
import {Button, Dialog, Empty, Head, Mark, Meter, Notice, Snippet, Tag, Waiting, ask, change, html, useAsk, useConfig, useEffect, useState} from "../kit.js";
import {EntryForm, patchEntry, useRows} from "../forms.js";
import {addWords, compact, money, percent, t, when} from "../i18n.js";
import {live, useLive} from "../live.js";
import formWords from "../words/forms.js";
import words from "../words/keys.js";

addWords(formWords);
addWords(words);

const LIST = "/api/v1/client-keys";
const USAGE_MS = 10000;
const PERIODS = ["day", "week", "month"];
const PARTS = [["", ["name", "enabled"]], ["part_may", ["allowed_groups", "allowed_models"]],
	["part_rates", ["requests_per_minute", "tokens_per_minute", "concurrent_requests"]],
	["part_budgets", ["tokens_per_day", "tokens_per_week", "tokens_per_month", "usd_per_day", "usd_per_week", "usd_per_month", "warn_percent"]]];
const pathOf = entry => `${LIST}/${encodeURIComponent(entry.id)}`;

// ---- ready to paste ----

function SetUp({secret}) {
	const base = `http://localhost:${live.session?.api_port ?? 5101}`;
	const key = secret ?? t("your_key");
	const texts = [
		["Claude Code", `export ANTHROPIC_BASE_URL=${base}\nexport ANTHROPIC_AUTH_TOKEN=${key}\nclaude`],
		[t("setup_codex"), `model_provider = "pointsman"\n\n[model_providers.pointsman]\nname = "Pointsman"\nbase_url = "${base}/openai"\nwire_api = "responses"\nenv_key = "POINTSMAN_KEY"`],
		[t("setup_codex_run"), `export POINTSMAN_KEY=${key}\ncodex`],
		["OpenAI SDK", `export OPENAI_BASE_URL=${base}/v1\nexport OPENAI_API_KEY=${key}`],
		["Python, openai", `from openai import OpenAI\nclient = OpenAI(base_url="${base}/v1", api_key="${key}")`],
		["Anthropic SDK", `export ANTHROPIC_BASE_URL=${base}\nexport ANTHROPIC_API_KEY=${key}`],
		["curl", `curl -N ${base}/v1/messages -H "Authorization: Bearer ${key}" \\\n  -d '{"model":"claude-sonnet-4-5","max_tokens":200,"stream":true,"messages":[{"role":"user","content":"hi"}]}'`],
	];
	return html`${texts.map(([title, text]) => html`<${Snippet} key=${title} title=${title} text=${text} />`)}`;
}

function Shown({name, secret, close}) {
	return html`<${Dialog} title=${t("key_of", name)} onClose=${close}>
		<${Notice} kind="warn"><p><b>${t("shown_once")}</b></p><//>
		<${Snippet} title=${t("client_key")} text=${secret} />
		<h3>${t("setup")}</h3><${SetUp} secret=${secret} />
		<div class="bar end"><${Button} kind="main" onClick=${close}>${t("have_it")}<//></div><//>`;
}

// ---- limits ----

function Budget({label, used, limit, show, warn}) {
	const share = used / limit;
	return html`<li><span class="soft">${label}</span><${Meter} share=${share} kind=${share >= 1 ? "stop" : share * 100 >= warn ? "warn" : ""} label=${`${label}: ${percent(share)}`} />
		<span class="num">${show(used)} / ${show(limit)}</span></li>`;
}

function Limits({entry, usage}) {
	const warn = entry.warn_percent ?? 80;
	const budgets = PERIODS.flatMap(period => [
		entry[`tokens_per_${period}`] > 0 && html`<${Budget} key=${`t${period}`} label=${t(`tokens_${period}`)} used=${usage?.tokens?.[period] ?? 0} limit=${entry[`tokens_per_${period}`]} show=${compact} warn=${warn} />`,
		entry[`usd_per_${period}`] > 0 && html`<${Budget} key=${`u${period}`} label=${t(`usd_${period}`)} used=${usage?.usd?.[period] ?? 0} limit=${entry[`usd_per_${period}`]} show=${money} warn=${warn} />`,
	]).filter(Boolean);
	const rates = [
		entry.requests_per_minute > 0 && t("rpm", compact(entry.requests_per_minute)),
		entry.tokens_per_minute > 0 && t("tpm", compact(entry.tokens_per_minute)),
		entry.concurrent_requests > 0 && t("at_a_time", entry.concurrent_requests),
		entry.allowed_groups?.length && entry.allowed_groups.map(group => t(group)).join(", "),
		entry.allowed_models?.length && entry.allowed_models.join(", "),
	].filter(Boolean);
	return html`${rates.length > 0 && html`<p class="soft">${rates.join(" · ")}</p>`}
		${budgets.length > 0 ? html`<ul class="budgets">${budgets}</ul>` : !rates.length && html`<p class="soft">${t("no_limits")}</p>`}`;
}

export default function Keys() {
	useLive();
	const asked = useConfig(LIST);
	const usage = useAsk("/api/v1/usage");
	useEffect(() => {
		const beat = setInterval(() => document.hidden || usage.again(), USAGE_MS);
		return () => clearInterval(beat);
	}, []);
	const rows = useRows("client_keys");
	const [open, set] = useState(null);
	const [shown, show] = useState(null); // {name, secret}
	const may = live.session?.role !== "viewer";
	if (!asked.data || !rows)
		return html`<${Head} title=${t("page_keys")} note=${t("keys_note")} /><${Waiting} asked=${asked} />`;
	const after = promise => promise.then(answer => { asked.again(); usage.again(); return answer; });
	const nameOf = entry => entry.name || entry.id;
	const minted = (answer, name) => answer.body.key && show({name, secret: answer.body.key});
	const save = (entry, changes) => after(open.id ? patchEntry(pathOf(open), open, changes, t("saved_entry", nameOf(entry)))
		: change("POST", LIST, entry, {done: t("added", entry.name), quiet422: true}).then(answer => { minted(answer, entry.name); return answer; }));
	const rotate = async entry => {
		if (await ask({title: t("rotate_title", nameOf(entry)), text: t("rotate_text"), action: t("rotate"), danger: true}))
			minted(await after(change("POST", `${pathOf(entry)}/rotate`, {})), nameOf(entry));
	};
	const revoke = async entry => {
		if (await ask({title: t("revoke_title", nameOf(entry)), text: t("revoke_text"), action: t("revoke"), danger: true}))
			await after(change("DELETE", pathOf(entry), {}, {done: t("deleted", nameOf(entry))}));
	};
	const used = new Map((usage.data?.keys ?? []).map(key => [key.id, key]));
	return html`<${Head} title=${t("page_keys")} note=${t("keys_note")}>${may && html`<${Button} kind="main" onClick=${() => set({name: ""})}>${t("new_key")}<//>`}<//>
		${asked.data.entries.length === 0 ? html`<${Empty} title=${t("keys_none")} />` : asked.data.entries.map(entry => {
			const on = entry.enabled !== false && entry.enabled !== 0;
			return html`<section class="panel" key=${entry.id}><header class="bar"><h2>${nameOf(entry)}</h2><${Mark} kind=${on ? "go" : "off"}>${t(on ? "enabled" : "disabled")}<//>
				<${Tag}>${entry.id}<//>${entry.created_at && html`<span class="soft">${t("since", when(Date.parse(entry.created_at)))}</span>`}
				<span class="bar end-acts"><${Button} kind="small" onClick=${() => set({...entry, setup: true})}>${t("setup")}<//>
				${may && html`<${Button} kind="small" onClick=${() => set(entry)}>${t("edit")}<//>
					<${Button} kind="small" onClick=${() => after(change("POST", `${pathOf(entry)}/${on ? "disable" : "enable"}`, {}))}>${t(on ? "disable" : "enable")}<//>
					<${Button} kind="small" onClick=${() => rotate(entry)}>${t("rotate")}<//><${Button} kind="small" onClick=${() => revoke(entry)}>${t("revoke")}<//>`}</span></header>
				<${Limits} entry=${entry} usage=${used.get(entry.id)} /></section>`;
		})}
		${open?.setup && html`<${Dialog} title=${`${t("setup")}: ${nameOf(open)}`} onClose=${() => set(null)}><p class="soft">${t("setup_note")}</p><${SetUp} /><//>`}
		${open && !open.setup && html`<${EntryForm} key=${open.id ?? "fresh"} rows=${rows} parts=${PARTS} entry=${open} title=${open.id ? t("edit_entry", nameOf(open)) : t("new_key")} save=${save} onClose=${() => set(null)} />`}
		${shown && html`<${Shown} name=${shown.name} secret=${shown.secret} close=${() => show(null)} />`}`;
}
