// The feed of ended requests.
import {Button, Empty, Head, Mark, Scroll, Waiting, ask, change, html, namesOf, useAsk, useEffect, useState} from "../kit.js";
import {get, queryText} from "../api.js";
import {addWords, clock, number, money, t, time, took} from "../i18n.js";
import {addToFeed, live, useClock, useLive} from "../live.js";
import words from "../words/live.js";
import Request from "./request.js";

addWords(words);

const RESULTS = ["completed", "failed", "passed", "refused", "client_gone", "cancelled", "interrupted"];
const PROTOCOLS = ["anthropic", "responses", "chat"];
const SHOWN = 200;
const POLL_MS = 2000;

export const kindOf = record => record.result === "completed" ? "go"
	: record.result === "client_gone" || record.result === "cancelled" ? "off" : record.result === "passed" || record.result === "refused" ? "warn" : "stop";

// Tokens over all calls; what was not told counts nothing.
export function tokensOf(record) {
	const sum = key => record.attempts.reduce((all, attempt) => all + Math.max(0, attempt[key] ?? 0), 0);
	return {input: sum("input") + sum("cache_write_5m") + sum("cache_write_1h") + sum("cache_read"),
		cached: sum("cache_read"), output: sum("output")};
}

function Select({label, value, options, all, onChange}) {
	return html`<select aria-label=${label} value=${value} onChange=${event => onChange(event.target.value)}>
		<option value="" selected=${value === ""}>${all}</option>
		${options.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === value}>${text}</option>`)}</select>`;
}

function Row({record, nameOf}) {
	const used = tokensOf(record);
	const open = () => { location.hash = `#/live/${encodeURIComponent(record.id)}`; };
	return html`<tr class="open" onClick=${event => event.target.closest("a") || open()}>
		<th scope="row"><a href=${`#/live/${encodeURIComponent(record.id)}`}>${time(record.at_ms)}</a></th>
		<td data-label=${t("col_result")}><${Mark} kind=${kindOf(record)}>${t(`result_${record.result}`)}<//>${
			record.status && record.status !== 200 ? html` <span class="soft">${record.status}</span>` : ""}</td>
		<td data-label=${t("f_protocol")}>${t(record.protocol)}</td>
		<td data-label=${t("col_model")} class="long">${record.model || html`<code>${record.path}</code>`}</td>
		<td data-label=${t("col_served")} class="long">${nameOf(record.upstream) || "–"}${record.loss ? html` <span class="warn" title=${record.loss}>≠</span>` : ""}</td>
		<td data-label=${t("col_key")} class="long soft">${nameOf(record.client_key)}</td>
		<td data-label=${t("col_tries")} class=${record.calls > 1 ? "num warn" : "num"}>${record.calls}</td>
		<td data-label=${t("col_ttfb")} class="num">${record.ttfb_ms ? took(record.ttfb_ms) : "–"}</td>
		<td data-label=${t("col_took")} class="num">${took(record.ms)}</td>
		<td data-label=${t("col_in")} class="num">${number(used.input)}</td>
		<td data-label=${t("col_cached")} class="num soft">${number(used.cached)}</td>
		<td data-label=${t("col_out")} class="num">${number(used.output)}</td>
		<td data-label=${t("cost")} class="num">${record.cost_nano_usd ? money(record.cost_nano_usd / 1e9) : "–"}</td></tr>`;
}

// What is under way, the oldest first.
function Running({planes, nameOf, mayChange}) {
	const now = useClock();
	const running = planes.flatMap(plane => plane.running).sort((a, b) => a.at_ms - b.at_ms);
	const more = planes.reduce((all, plane) => all + plane.in_flight, 0) - running.length;
	const end = async one => {
		if (await ask({title: t("run_end_title"), text: t("run_end_text"), action: t("run_end"), danger: true}))
			await change("POST", `/api/v1/requests/${encodeURIComponent(one.id)}/cancel`, {}, {done: t("run_ended")});
	};
	return running.length > 0 && html`<section class="panel wide" aria-labelledby="running"><header class="bar"><h2 id="running">${t("running")}</h2>
			${more > 0 && html`<span class="soft">${t("running_more", number(more))}</span>`}</header>
		<${Scroll}><table class="running cards"><thead><tr>${["col_time", "f_protocol", "col_model", "f_upstream", "col_key", "col_state"].map(
				key => html`<th key=${key} scope="col">${t(key)}</th>`)}${["col_tries", "run_for"].map(key => html`<th key=${key} scope="col" class="num">${t(key)}</th>`)}<td></td></tr></thead>
			<tbody>${running.map(one => html`<tr key=${one.id} data-request=${one.id}><th scope="row">${time(one.at_ms)}</th>
				<td data-label=${t("f_protocol")}>${t(one.protocol)}</td>
				<td data-label=${t("col_model")} class="long">${one.model || "–"}</td>
				<td data-label=${t("f_upstream")} class="long">${nameOf(one.upstream) || "–"}</td>
				<td data-label=${t("col_key")} class="long soft">${nameOf(one.client_key)}</td>
				<td data-label=${t("col_state")}><${Mark} kind=${one.begun ? "go" : "go quiet"}>${t(one.begun ? "run_answering" : "run_waiting")}<//></td>
				<td data-label=${t("col_tries")} class=${one.calls > 1 ? "num warn" : "num"}>${one.calls}</td>
				<td data-label=${t("run_for")} class="num">${clock(Math.max(0, now - one.at_ms))}</td>
				<td class="acts">${mayChange && html`<${Button} kind="small" aria-label=${t("run_end_of", one.id)} onClick=${() => end(one)}>${t("run_end")}<//>`}</td></tr>`)}</tbody></table><//></section>`;
}

const fits = (record, wish) => (!wish.result || record.result === wish.result)
	&& (!wish.protocol || record.protocol === wish.protocol)
	&& (!wish.upstream || record.upstream === wish.upstream || record.attempts.some(attempt => attempt.upstream === wish.upstream))
	&& (!wish.client_key || record.client_key === wish.client_key)
	&& (!wish.find || record.model.includes(wish.find) || record.id.startsWith(wish.find));

export default function Feed({here}) {
	const {state} = useLive();
	const [wish, set] = useState({result: "", protocol: "", upstream: "", client_key: "", find: ""});
	const [held, hold] = useState(null); // the feed as it was when it was paused
	const [older, setOlder] = useState([]);
	const [end, reach] = useState(false); // nothing older is kept
	const choose = more => {
		set(before => ({...before, ...more}));
		setOlder([]);
		reach(false);
	};
	// What has ended before this page was opened, or lies beyond what the stream has brought.
	const query = {upstream: wish.upstream, client_key: wish.client_key, result: wish.result, limit: SHOWN};
	const asked = useAsk(`/api/v1/requests${queryText(query)}`);
	useEffect(() => { asked.data && addToFeed(asked.data.records); }, [asked.data]);
	useEffect(() => {
		const beat = setInterval(() => live.link === "polling" && !document.hidden && !held && asked.again(), POLL_MS);
		return () => clearInterval(beat);
	}, [held]);

	const names = namesOf(state);
	const nameOf = id => names.get(id) ?? id;
	const known = new Map();
	for (const record of [...(held ?? live.feed), ...(asked.data?.records ?? []).filter(record => !held || record.seq <= (held[0]?.seq ?? 0)), ...older])
		if (fits(record, wish))
			known.set(record.seq, record);
	const records = [...known.values()].sort((a, b) => b.seq - a.seq);
	const more = async () => {
		const answer = await get("/api/v1/requests", {...query, before: Math.min(...known.keys())});
		if (answer.status === 200) {
			setOlder([...older, ...answer.body.records]);
			reach(answer.body.next === null);
		}
	};
	const options = keys => [...names].filter(([id]) => keys === !id.includes(":"));
	return html`<${Head} title=${t("page_live")} note=${t("live_note")}>
			<${Button} onClick=${() => hold(held ? null : live.feed)} aria-pressed=${held ? "true" : "false"}>${t(held ? "resume" : "pause")}<//><//>
		<${Running} planes=${state?.dataplanes ?? []} nameOf=${nameOf} mayChange=${live.session?.role !== "viewer"} />
		<div class="bar filters">
			<input type="search" aria-label=${t("find")} placeholder=${t("find")} value=${wish.find} onInput=${event => choose({find: event.target.value.trim()})} />
			<${Select} label=${t("f_result")} value=${wish.result} all=${t("f_all_results")} options=${RESULTS.map(name => [name, t(`result_${name}`)])} onChange=${result => choose({result})} />
			<${Select} label=${t("f_protocol")} value=${wish.protocol} all=${t("f_all_protocols")} options=${PROTOCOLS.map(name => [name, t(name)])} onChange=${protocol => choose({protocol})} />
			<${Select} label=${t("f_upstream")} value=${wish.upstream} all=${t("f_all_upstreams")} options=${options(false)} onChange=${upstream => choose({upstream})} />
			<${Select} label=${t("f_key")} value=${wish.client_key} all=${t("f_all_keys")} options=${options(true)} onChange=${client_key => choose({client_key})} />
		</div>
		${records.length > 0 ? html`<${Scroll}><table class="requests cards"><thead><tr>
				${["col_time", "col_result", "f_protocol", "col_model", "col_served", "col_key"].map(key => html`<th key=${key} scope="col">${t(key)}</th>`)}
				${["col_tries", "col_ttfb", "col_took", "col_in", "col_cached", "col_out", "cost"].map(key => html`<th key=${key} scope="col" class="num">${t(key)}</th>`)}</tr></thead>
			<tbody>${records.map(record => html`<${Row} key=${record.seq} record=${record} nameOf=${nameOf} />`)}</tbody></table><//>
			<p class="bar end"><${Button} disabled=${end || (older.length === 0 && asked.data?.next === null)} onClick=${more}>${t("older")}<//></p>`
			: !asked.data ? html`<${Waiting} asked=${asked} lines=${8} />`
				: Object.values(wish).some(Boolean) ? html`<${Empty} title=${t("feed_no_match")} />`
					: html`<${Empty} title=${t("feed_none")}><p class="soft">${t("feed_none_help")}</p><//>`}
		${here.rest[0] && html`<${Request} key=${here.rest[0]} id=${here.rest[0]} nameOf=${nameOf} known=${records.find(record => record.id === here.rest[0])} />`}`;
}
