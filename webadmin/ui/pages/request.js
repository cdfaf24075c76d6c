// One request: what was tried for it, how long each took, who was at fault, what it used.
import {Dialog, Mark, Notice, Scroll, Waiting, html, useAsk} from "../kit.js";
import {addWords, bytes, dateTime, money, number, reasonText, t, took} from "../i18n.js";
import statisticWords from "../words/statistics.js";
import {kindOf, tokensOf} from "./live.js";

addWords(statisticWords);

const close = () => { location.hash = "#/live"; };

const KINDS = [["kind_input", "input"], ["kind_cache_write", "cache_write_5m", "cache_write_1h"],
	["kind_cache_read", "cache_read"], ["kind_output", "output"], ["reasoning", "reasoning"]];

function Bar({attempt, whole}) {
	const x = attempt.began_ms / whole * 100;
	const first = Math.max(0.4, (attempt.ttfb_ms || attempt.ms) / whole * 100);
	const all = Math.max(0.8, attempt.ms / whole * 100);
	const good = attempt.reason === "ok" ? "good" : attempt.reason === "hedge_lost" ? "lost" : "bad";
	return html`<svg class=${`wave ${good}`} viewBox="0 0 100 10" preserveAspectRatio="none" role="img"
			aria-label=${`${t("at_ms", took(attempt.began_ms))}, ${took(attempt.ms)}`}>
		<rect class="floor" x="0" y="4.5" width="100" height="1" />
		<rect class="wait" x=${x} y="1" width=${Math.min(all, first)} height="8" />
		${attempt.ttfb_ms > 0 && all > first && html`<rect class="come" x=${x + first} y="1" width=${all - first} height="8" />`}</svg>`;
}

function Attempt({attempt, whole, nameOf, asked}) {
	const notes = [
		attempt.hedge && t("hedge"),
		attempt.retry_after_ms > 0 && t("asks_again_in", took(attempt.retry_after_ms)),
		attempt.served && attempt.served !== attempt.model && t("served_model", attempt.served),
		attempt.reason === "ok" && attempt.usage !== "reported" && t(`usage_${attempt.usage}`),
		attempt.odd && t("usage_odd"),
	].filter(Boolean);
	return html`<li><div class="bar"><b>${nameOf(attempt.upstream)}</b>
			${attempt.model !== asked && html`<code>${attempt.model}</code>`}<span class="soft">${t(attempt.protocol)}</span>
			<${Mark} kind=${attempt.reason === "ok" ? "go" : "stop"}>${reasonText(attempt.reason)}<//>
			${attempt.blame !== "nobody" && html`<span class="soft">${t("blame")}: ${t(`blame_${attempt.blame}`)}</span>`}
			<span class="num end">${t("at_ms", took(attempt.began_ms))} · ${attempt.ttfb_ms ? `${took(attempt.ttfb_ms)} · ` : ""}${took(attempt.ms)}</span></div>
		<${Bar} attempt=${attempt} whole=${whole} />
		${notes.length > 0 && html`<p class="soft">${notes.join(" · ")}</p>`}</li>`;
}

function Used({attempts, nameOf}) {
	const told = attempts.filter(attempt => KINDS.some(([, ...keys]) => keys.some(key => attempt[key] > 0)));
	if (!told.length)
		return html`<p class="soft">${t("usage_missing")}</p>`;
	return html`<${Scroll}><table><thead><tr><td></td>${KINDS.map(([name]) => html`<th key=${name} scope="col" class="num">${t(name)}</th>`)}
		<th scope="col" class="num">${t("cost")}</th><th scope="col" class="num">${t("cache_saved")}</th></tr></thead>
		<tbody>${told.map((attempt, at) => html`<tr key=${at}><th scope="row">${nameOf(attempt.upstream)}</th>
			${KINDS.map(([name, ...keys]) => html`<td key=${name} class="num">${keys.every(key => attempt[key] < 0) ? "–"
				: number(keys.reduce((all, key) => all + Math.max(0, attempt[key]), 0))}</td>`)}
			<td class="num">${attempt.cost_nano_usd >= 0 ? money(attempt.cost_nano_usd / 1e9) : "–"}</td>
			<td class="num">${attempt.cost_nano_usd >= 0 ? money((attempt.cache_saved_nano_usd ?? 0) / 1e9) : "–"}</td></tr>`)}</tbody></table><//>`;
}

function Decision({record, nameOf}) {
	const next = record.attempts.slice(1).map(attempt => nameOf(attempt.upstream));
	return html`<p>${record.why ? t(`why_${record.why}`) : t("no_tries")} ${next.map((name, at) => html`<span key=${at}>${t("then_failed", name)} </span>`)}</p>
		${record.session && html`<p class="soft">${t("session")} <code>${record.session}</code>${t("comma")}${t(`source_${record.session_source}`)}</p>`}`;
}

function Conversion({record}) {
	const last = record.attempts.at(-1);
	if (!last || last.protocol === record.protocol)
		return html`<p class="soft">${t("not_converted")}</p>`;
	return html`<p>${t("converted", t(record.protocol), t(last.protocol))} · <span class=${record.loss ? "warn" : "soft"}>${
		record.loss ? t("lost", record.loss) : t("lost_nothing")}</span></p>`;
}

function Record({record, nameOf}) {
	const whole = Math.max(1, record.ms, ...record.attempts.map(attempt => attempt.began_ms + attempt.ms));
	const used = tokensOf(record);
	const facts = [
		["fact_when", dateTime(record.at_ms)], ["fact_path", record.path], ["fact_key", nameOf(record.client_key)],
		["fact_answer", `${t(record.stream ? "stream" : "whole")} · ${took(record.ms)}${record.ttfb_ms ? ` · ${t("col_ttfb")} ${took(record.ttfb_ms)}` : ""}`],
		["fact_status", record.status || "–"], ["fact_bytes", `${bytes(record.bytes_in)} · ${bytes(record.bytes_out)}`],
		["tokens", `${number(used.input)} → ${number(used.output)}`], ["cost", record.cost_nano_usd ? money(record.cost_nano_usd / 1e9) : "–"],
	];
	return html`<p class="bar lead"><${Mark} kind=${kindOf(record)}>${t(`result_${record.result}`)}<//>
			<b>${record.model || record.path}</b><span class="soft">${t(record.protocol)}</span>
			${record.result !== "completed" && html`<span>${reasonText(record.reason)}</span>`}</p>
		<h3>${t("waterfall")}</h3>
		${record.attempts.length === 0 ? html`<p class="soft">${t("no_tries")}</p>`
			: html`<ol class="waterfall">${record.attempts.map((attempt, at) => html`<${Attempt} key=${at} attempt=${attempt} whole=${whole} nameOf=${nameOf} asked=${record.model} />`)}</ol>
			<p class="soft help">${t("waterfall_help")}</p>`}
		<h3>${t("decision")}</h3><${Decision} record=${record} nameOf=${nameOf} />
		<h3>${t("conversion")}</h3><${Conversion} record=${record} />
		<h3>${t("used")}</h3><${Used} attempts=${record.attempts} nameOf=${nameOf} />
		<h3>${t("facts")}</h3><dl class="facts">${facts.map(([key, value]) => html`<div key=${key}><dt>${t(key)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export default function Request({id, known, nameOf}) {
	const asked = useAsk(known ? null : `/api/v1/requests?${new URLSearchParams({id})}`);
	const record = known ?? asked.data?.records[0];
	return html`<${Dialog} title=${t("request", id)} onClose=${close}>
		${record ? html`<${Record} record=${record} nameOf=${nameOf} />`
			: asked.data ? html`<${Notice}><p>${t("request_gone")}</p><//>` : html`<${Waiting} asked=${asked} />`}<//>`;
}
