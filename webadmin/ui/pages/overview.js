// Who serves now and why, how each upstream stands, and what today has brought.
import {Bars, Button, Empty, Head, Mark, Meter, Notice, Scroll, Tag, Waiting, ask, change, html, namesOf, useAsk, useEffect, useMemo, useState} from "../kit.js";
import {clock, compact, hourMinute, language, languageIndex, money, number, percent, reasonText, secondCurrency, secondMoney, span, t, time, took, when} from "../i18n.js";
import {addToFeed, live, useClock, useLive} from "../live.js";

const HOUR = 3600000, MINUTE = 60000;
const NONE = [];
const STATS_MS = 30000;
const NEWEST = 8;

// ---- today ----

function midnight(now) {
	return new Date(now).setHours(0, 0, 0, 0);
}

function sum(rows) {
	const all = {};
	for (const row of rows)
		for (const [name, value] of Object.entries(row))
			if (typeof value === "number")
				all[name] = (all[name] ?? 0) + value;
	return new Proxy(all, {get: (sums, name) => sums[name] ?? 0});
}

const Figure = ({label, value, note, href}) => html`<li><a href=${href}>
	<span class="label">${label}</span><b>${value}</b><span class="soft">${note}</span></a></li>`;

function Today({rows, planes}) {
	const today = sum((rows ?? []).filter(row => row.hour_ms >= midnight(Date.now())));
	const sent = today.input + today.cache_read + today.cache_write_5m + today.cache_write_1h;
	const running = planes.reduce((all, plane) => all + plane.in_flight, 0);
	const second = secondCurrency();
	const connections = planes.reduce((all, plane) => all + plane.connections, 0);
	// What is not known yet is not 0.
	const Sum = ({value, note, ...more}) => html`<${Figure} href="#/statistics" value=${rows ? value : "–"} note=${rows ? note : ""} ...${more} />`;
	return html`<ul class="figures" aria-label=${t("today")}>
		<${Figure} href="#/live" label=${t("in_flight")} value=${number(running)} note=${t("on_connections", number(connections))} />
		<${Sum} label=${t("requests_today")} value=${number(today.requests)}
			note=${html`${today.failed ? html`<span class="stop">${t("some_failed", number(today.failed))}</span>` : t("none_failed")}${
				today.cancelled > 0 && ` · ${t("some_cancelled", number(today.cancelled))}`}`} />
		<${Sum} label=${t("tokens")} value=${compact(sent + today.output)}
			note=${t("in_out", compact(sent), compact(today.output))} />
		<${Sum} label=${t("cache_saved")} value=${money(today.cache_saved_nano_usd / 1e9)}
			note=${[secondMoney(today.cache_saved_nano_usd, second), ...sent ? [t("from_cache", percent(today.cache_read / sent))] : []].join(" · ")} />
		<${Sum} label=${t("cost")} value=${money(today.cost_nano_usd / 1e9)}
			note=${[secondMoney(today.cost_nano_usd, second), ...today.unpriced_calls ? [t("some_unpriced", number(today.unpriced_calls))] : []].join(" · ")} />
		<${Sum} label=${t("mean_time")} value=${today.requests ? took(today.ms / today.requests) : "–"} note=${t("a_request")} />
	</ul>`;
}

// ---- one upstream ----

function stateOf(upstream, serving) {
	const health = upstream.health;
	if (!upstream.enabled)
		return ["off", t("disabled")];
	if (health && health.state === "cooling")
		return ["stop", t("state_cooling")];
	if (!upstream.available)
		return ["off", t(upstream.reason)];
	if (health && health.state !== "up")
		return ["warn", t(`state_${health.state}`)];
	return serving ? ["go", t("serving_now")] : ["go quiet", t("ready")];
}

function Why({health, now}) {
	const said = [];
	if (health.state !== "up") {
		if (health.reason)
			said.push(reasonText(health.reason));
		if (health.errors > 1)
			said.push(t("errors_in_row", health.errors));
		if (health.whole_address)
			said.push(t("whole_address"));
		if (health.state === "ramping" && health.ramp)
			said.push(t("ramp_limit", health.ramp));
	}
	const rest = health.state === "cooling" && health.until_ms;
	const whole = rest ? Math.max(1, health.until_ms - (health.since_ms ?? now)) : 1;
	return html`${said.length > 0 && html`<span class="why">${said.join(" · ")}</span>`}
		${rest && html`<span class="rest"><b class="clock" title=${time(health.until_ms)}>${clock(health.until_ms - now)}</b>
			<${Meter} kind="stop" share=${(health.until_ms - now) / whole} label=${t("until", time(health.until_ms))} /></span>`}
		${health.probe && health.state !== "up" && html`<span class="why soft">${t("probed", time(health.probe.at_ms),
			health.probe.success ? t("went_well") : reasonText(health.probe.reason))}</span>`}
		${health.models.map(model => html`<span key=${model.model} class="why warn">${
			t("model_rests", model.model, model.until_ms ? when(model.until_ms) : "–")}</span>`)}`;
}

function Plan({upstream}) {
	const {activation} = upstream;
	const plan = upstream.schedule_changes_ms
		? t(upstream.scheduled ? "until" : "from", when(upstream.schedule_changes_ms)) : "";
	if (!plan && !activation)
		return html`<span class="soft">${t("always")}</span>`;
	return html`${plan && html`<span>${plan}</span>`}${activation && html`<span class="soft"
		title=${activation.last ? t("activation_last", when(activation.last.at_ms),
			activation.last.success ? t("went_well") : reasonText(activation.last.reason)) : ""}>${
		activation.running ? t("activation_running")
			: t("activation_next", activation.next_ms ? when(activation.next_ms) : activation.time)}</span>`}`;
}

function columnsOf(rows, hour) {
	const first = hour - 23 * HOUR;
	const byHour = new Map(rows.map(row => [row.hour_ms, row]));
	return Array.from({length: 24}, (_, at) => {
		const row = byHour.get(first + at * HOUR);
		const bad = row?.failed_calls ?? 0, good = (row?.calls ?? 0) - bad;
		return {good, bad, title: t("hour_bar", hourMinute(first + at * HOUR), number(good), number(bad))};
	});
}

// Drawn anew only when something of it is another: there may be a thousand, and the clock beats each second.
function Upstream({upstream, group, serving, rows, now, mayChange}) {
	const rests = upstream.health?.state === "cooling";
	const hour = Math.floor(now / HOUR) * HOUR;
	return useMemo(() => row({upstream, group, serving, rows, now, hour, mayChange}),
		[upstream, group, serving, rows, rests ? now : 0, hour, mayChange, language()]);
}

function row({upstream, group, serving, rows, now, hour, mayChange}) {
	const health = upstream.health;
	const [kind, word] = stateOf(upstream, serving);
	const path = `/api/v1/upstreams/${encodeURIComponent(`${group}:${upstream.id}`)}`;
	const act = (verb, done) => () => change("POST", `${path}/${verb}`, {}, {done: t(done, upstream.name)});
	const ill = health && (health.state !== "up" || health.models.length > 0);
	return html`<tr class=${upstream.available ? "" : "out"} data-upstream=${upstream.id}>
		<td class="rank">${upstream.rank || "–"}</td>
		<th scope="row"><span class="name">${upstream.name}</span>
			${upstream.tier === "backup" && html` <${Tag}>${t("backup")}<//>`}
			${upstream.demo && html` <${Tag}>${t("demo_mark")}<//>`}
			<code class="sub">${upstream.base_url}</code></th>
		<td class="state"><${Mark} kind=${kind}>${word}<//>${health && html`<${Why} health=${health} now=${now} />`}</td>
		<td data-label=${t("in_flight")} class="num">${upstream.in_flight ? number(upstream.in_flight) : html`<span class="soft">0</span>`}</td>
		<td data-label=${t("col_plan")} class="stack"><${Plan} upstream=${upstream} /></td>
		<td data-label=${t("col_day")} class="spark"><${Bars} label=${t("calls_of", upstream.name)} columns=${columnsOf(rows, hour)} /></td>
		<td data-label=${t("col_first")} class="num">${health?.ttfb_ms ? took(health.ttfb_ms) : "–"}</td>
		<td data-label=${t("col_calls")} class="num">${health ? html`${number(health.successes)} / <span
			class=${health.failures ? "stop" : "soft"}>${number(health.failures)}</span>` : "–"}</td>
		<td class="acts">${mayChange && !upstream.demo && html`
			${ill && html`<${Button} kind="small" onClick=${act("clear", "cleared")}>${t("clear")}<//>`}
			${upstream.enabled && html`<${Button} kind="small" onClick=${act("probe", "probe_sent")}>${t("probe")}<//>`}`}</td>
	</tr>`;
}

// ---- the hours of today ----

function hoursOn({start_ms, end_ms, on, changes_ms}) {
	const edges = [start_ms, ...changes_ms, end_ms];
	return edges.slice(1).map((to, at) => ({from: edges[at], to, on: (at % 2 === 0) === on})).filter(part => part.on);
}

function Today24({group, now}) {
	const minute = Math.floor(now / MINUTE) * MINUTE;
	return useMemo(() => dayOf(group, minute), [group, minute, language()]);
}

function dayOf(group, now) {
	const shown = group.upstreams.filter(upstream => upstream.enabled && upstream.day).sort((a, b) => a.rank - b.rank);
	if (!shown.length)
		return null;
	const {start_ms, end_ms} = shown[0].day;
	const place = ms => (ms - start_ms) / (end_ms - start_ms) * 240;
	return html`<section class="day" aria-label=${t("day_plan")}><span class="label">${t("day_plan")}</span>
		<span class="scale soft" aria-hidden="true">${[0, 6, 12, 18].map(hour => html`<span key=${hour}>${hourMinute(start_ms + hour * HOUR)}</span>`)}</span>
		${shown.map(upstream => {
			const parts = hoursOn(upstream.day);
			const said = parts.map(part => `${hourMinute(part.from)}–${hourMinute(part.to)}`).join(", ");
			return html`<span key=${`${upstream.id}-name`} class="name" aria-hidden="true">${upstream.name}</span>
				<svg key=${upstream.id} role="img" aria-label=${`${said ? t("day_on", upstream.name, said) : t("day_off", upstream.name)}, ${t("day_now", hourMinute(now))}`}
					viewBox="0 0 240 8" preserveAspectRatio="none"><title>${said || t("day_off", upstream.name)}</title><rect class="floor" width="240" height="8" />
				${parts.map(part => html`<rect key=${part.from} class="fill" x=${place(part.from)} width=${place(part.to) - place(part.from)} height="8" />`)}
				<rect class="now" x=${Math.min(239, Math.max(0, place(now)))} width="1" height="8" /></svg>`;
		})}</section>`;
}

// ---- one group ----

const byRank = (a, b) => a.rank - b.rank;

// Who gets the next call, and what keeps those before him from it.
function servingOf(group) {
	const ready = group.upstreams.filter(upstream => upstream.available).sort(byRank);
	const best = ready.filter(upstream => upstream.tier === ready[0].tier);
	const serving = group.pick === "order" ? best.slice(0, 1) : best;
	const before = group.upstreams.filter(upstream => upstream.enabled && !upstream.available && serving.length
		&& upstream.rank < serving[0].rank).sort(byRank);
	return {serving, before};
}

function whyNot(upstream) {
	const {health} = upstream;
	if (health?.state === "cooling")
		return t("state_cooling") + t("comma") + reasonText(health.reason);
	return t(upstream.reason);
}

function Group({group, rowsOf, now, mayChange}) {
	const {serving, before} = servingOf(group);
	const names = new Intl.ListFormat(languageIndex() ? "zh" : "en").format(serving.map(upstream => upstream.name));
	const why = serving.length === 0 ? ""
		: before.length ? before.map(upstream => t("instead_of", upstream.name, whyNot(upstream))).join(" · ")
			: serving[0].tier === "backup" ? t("as_backup") : group.pick === "order" ? t("as_first") : "";
	const shown = [...group.upstreams].sort((a, b) => (a.rank || Infinity) - (b.rank || Infinity));
	return html`<section class="group" aria-labelledby=${`group-${group.group}`}>
		<header><h2 id=${`group-${group.group}`}>${t(group.group)}</h2>
			<${Tag}>${t(`pick_${group.pick}`)}<//>
			<p class=${serving.length ? "serving" : "serving stop"}>
				<b>${serving.length === 0 ? t("nobody_serves") : t(serving.length > 1 ? "share" : "serves", names)}</b>
				${why && html`<span class="soft">${why}</span>`}</p></header>
		<${Scroll}><table class="upstreams"><thead><tr><th scope="col">#</th><th scope="col">${t("col_upstream")}</th><th scope="col">${t("col_state")}</th>
			<th scope="col" class="num">${t("in_flight")}</th><th scope="col">${t("col_plan")}</th><th scope="col">${t("col_day")}</th><th scope="col" class="num">${t("col_first")}</th>
			<th scope="col" class="num">${t("col_calls")}</th><td></td></tr></thead>
		<tbody>${shown.map(upstream => html`<${Upstream} key=${upstream.id} upstream=${upstream} group=${group.group}
			serving=${serving.includes(upstream)} rows=${rowsOf(`${group.group}:${upstream.id}`)} now=${now} mayChange=${mayChange} />`)}</tbody></table><//>
		<${Today24} group=${group} now=${now} />
	</section>`;
}

// ---- the rest ----

function Planes({planes, version, now}) {
	if (!planes.length)
		return html`<${Notice} kind="stop"><p>${t("dataplanes_none")}</p><//>`;
	return html`<${Scroll}><table class="planes"><thead><tr><th scope="col">${t("dataplanes")}</th><th scope="col">${t("col_state")}</th>
		${["in_flight", "plane_connections", "requests", "plane_completed", "plane_failed", "plane_gone", "plane_attempts", "plane_memory", "plane_up"].map(
			key => html`<th key=${key} scope="col" class="num">${t(key)}</th>`)}</tr></thead>
		<tbody>${planes.map(plane => {
			const silent = plane.age_ms > 5000;
			const [kind, word] = silent ? ["stop", t("plane_silent", span(plane.age_ms))]
				: plane.table_version < version ? ["warn", t("plane_behind")] : ["go", t("plane_fresh")];
			const cells = [["in_flight", plane.in_flight], ["plane_connections", plane.connections], ["requests", plane.requests],
				["plane_completed", plane.completed], ["plane_failed", plane.failed], ["plane_gone", plane.client_gone], ["plane_attempts", plane.attempts]];
			return html`<tr key=${plane.instance}><th scope="row">${plane.instance}</th><td><${Mark} kind=${kind}>${word}<//></td>
				${cells.map(([key, value]) => html`<td key=${key} data-label=${t(key)} class="num">${number(value)}</td>`)}
				<td data-label=${t("plane_memory")} class="num">${number(plane.rss_bytes / 1048576)} MiB</td>
				<td data-label=${t("plane_up")} class="num">${span(now - plane.started_ms)}</td></tr>`;
		})}</tbody></table><//>`;
}

function Lessons({lessons, nameOf, mayChange}) {
	const forget = async lesson => {
		if (!lesson && !await ask({title: t("forget_all"), text: t("forget_ask"), action: t("forget_all"), danger: true}))
			return;
		const query = lesson ? `?${new URLSearchParams({upstream: lesson.upstream, model: lesson.model, kind: lesson.kind, name: lesson.name})}` : "";
		await change("DELETE", `/api/v1/lessons${query}`);
	};
	return html`<section class="panel"><header class="bar"><h2>${t("learned")}</h2>
			${mayChange && lessons.length > 1 && html`<${Button} kind="small" onClick=${() => forget(null)}>${t("forget_all")}<//>`}</header>
		<p class="soft">${lessons.length ? t("learned_note") : t("learned_none")}</p>
		<ul class="plain-list">${lessons.map(lesson => html`<li key=${`${lesson.upstream}${lesson.model}${lesson.kind}${lesson.name}`}>
			<span>${nameOf(lesson.upstream)} <code>${lesson.model}</code> − ${lesson.kind} <code>${lesson.name}</code></span>
			<span class="soft">${t("until", when(lesson.until_ms))}</span>
			${mayChange && html`<${Button} kind="small" onClick=${() => forget(lesson)}>${t("forget")}<//>`}</li>`)}</ul></section>`;
}

function Recent({feed, asked, nameOf}) {
	return html`<section class="panel"><header class="bar"><h2>${t("recent")}</h2><a href="#/live">${t("all_requests")}</a></header>
		${feed.length === 0 && !asked.data ? html`<${Waiting} asked=${asked} lines=${3} />`
			: feed.length === 0 ? html`<p class="soft">${t("recent_none")}</p>`
			: html`<ul class="plain-list feed">${feed.slice(0, NEWEST).map(record => html`<li key=${record.seq}>
				<${Mark} kind=${record.result === "completed" ? "go" : ["client_gone", "cancelled"].includes(record.result) ? "off" : "stop"}><a
					href=${`#/live/${encodeURIComponent(record.id)}`}>${time(record.at_ms)}</a><//>
				<span class="name">${record.model || record.path}</span><span class="soft">${nameOf(record.upstream)}</span>
				<span class="num soft">${took(record.ms)}</span></li>`)}</ul>`}</section>`;
}

function byUpstream(rows) {
	const all = new Map();
	for (const row of rows)
		all.set(row.upstream, [...all.get(row.upstream) ?? NONE, row]);
	return all;
}

export default function Overview() {
	const {state} = useLive();
	const now = useClock();
	const [since] = useState(() => Math.floor(Date.now() / HOUR) * HOUR - 24 * HOUR);
	const stats = useAsk(`/api/v1/stats?by=hour,upstream&from_ms=${since}`);
	const newest = useAsk(`/api/v1/requests?limit=${NEWEST}`);
	useEffect(() => { newest.data && addToFeed(newest.data.records); }, [newest.data]);
	useEffect(() => {
		const beat = setInterval(() => document.hidden || (stats.again(), live.link === "polling" && newest.again()), STATS_MS);
		return () => clearInterval(beat);
	}, []);
	const rows = useMemo(() => byUpstream(stats.data?.rows ?? []), [stats.data]);
	if (state === null)
		return live.control ? html`<${Waiting} asked=${{}} lines=${6} />` : null;
	const used = state.groups.filter(group => group.upstreams.length > 0);
	const empty = state.groups.filter(group => group.upstreams.length === 0);
	const names = namesOf(state);
	const nameOf = id => names.get(id) ?? id;
	const mayChange = live.session?.role !== "viewer";
	return html`<${Head} title=${t("page_overview")} />
		<${Today} rows=${stats.data?.rows} planes=${state.dataplanes} />
		${state.alerts?.active.length > 0 && html`<${Notice} kind="warn"><ul class="plain-list">${state.alerts.active.map(alert => html`<li key=${alert.incident}>
			<span>${t(`alert_${alert.kind}`)}: <b>${alert.name || alert.subject}</b></span><span class="soft">${t("from", when(alert.since_ms))} · <a href="#/settings/alerts">${t("alert_settings")}</a></span></li>`)}</ul><//>`}
		${used.length === 0 && html`<${Empty} title=${t("no_upstreams")}><p class="soft">${t("no_upstreams_help")}</p>
			<p><a class="button" href="#/upstreams">${t("to_upstreams")}</a></p><//>`}
		${used.map(group => html`<${Group} key=${group.group} group=${group} now=${now} mayChange=${mayChange}
			rowsOf=${id => rows.get(id) ?? NONE} />`)}
		${used.length > 0 && empty.length > 0 && html`<p class="soft empties">${t("groups_empty")} ${empty.map(group => t(group.group)).join(" · ")}</p>`}
		<section class="panel wide"><${Planes} planes=${state.dataplanes} version=${state.version} now=${now} /></section>
		<div class="pair"><${Recent} feed=${live.feed} asked=${newest} nameOf=${nameOf} />
			<${Lessons} lessons=${state.lessons} nameOf=${nameOf} mayChange=${mayChange} /></div>`;
}
