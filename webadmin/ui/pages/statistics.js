// What was used: by day or hour, model, upstream, key; in tokens, calls and money.
import {Button, Choice, Empty, Head, Notice, Scroll, Typed, Waiting, ask, change, html, namesOf, useAsk, useMemo, useState} from "../kit.js";
import {queryText} from "../api.js";
import {Stacked, colour} from "../chart.js";
import {addWords, compact, day, dayShort, hourMinute, keepSecond, language, money, number, percent, secondCurrency, secondMoney, t} from "../i18n.js";
import {live, useLive} from "../live.js";
import words from "../words/statistics.js";

addWords(words);

const DAY = 86400000, HOUR = 3600000;
const SERIES_MAX = 7, DAYS_MAX = 400;
const RANGES = ["today", "7", "30", "90", "own"];
const GROUPS = ["model", "upstream", "client_key", "protocol"];
const MEASURES = ["tokens", "requests", "cost", "kinds"];
const CURRENCIES = ["CNY", "EUR", "GBP", "JPY", "INR", "KRW", "CHF", "CAD", "AUD", "BRL"];

const sent = row => row.input + row.cache_write_5m + row.cache_write_1h + row.cache_read;
const measures = {
	tokens: row => sent(row) + row.output,
	requests: row => row.requests,
	cost: row => row.cost_nano_usd / 1e9,
};
const kinds = {
	kind_input: row => row.input,
	kind_cache_write: row => row.cache_write_5m + row.cache_write_1h,
	kind_cache_read: row => row.cache_read,
	kind_output: row => row.output,
};

// ---- which days ----

const isoDay = ms => {
	const at = new Date(ms);
	return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
};

// The begin of a day where the browser stands, or of one so many days later: days have 23 to 25 hours.
function midnight(text, later = 0) {
	const at = new Date(`${text}T00:00`);
	return at.setDate(at.getDate() + later);
}

function daysOf({range, from, to}) {
	if (range === "own")
		return from <= to ? [from, to] : [to, from];
	const today = isoDay(Date.now());
	return [isoDay(midnight(today, range === "today" ? 0 : 1 - Number(range))), today];
}

const areHours = ([from, to]) => Date.parse(to) - Date.parse(from) < 2 * DAY;

// Hours go by the browser's days. Whole days are the gateway's, which may be a day ahead: what goes up to now has no end.
function spanOf(days, {range, epochs}) {
	if (areHours(days))
		return {from_ms: midnight(days[0]), to_ms: midnight(days[1], 1) - 1, epochs};
	return {from: days[0], to: range === "own" ? days[1] : "", epochs};
}

// The columns of the chart: one for each hour of a day or two, else one for each day.
function columnsOf(days, rows) {
	let [from, to] = days;
	const columns = [];
	if (areHours(days)) {
		// Full hours are the same everywhere, midnight is not.
		const first = Math.ceil(midnight(from) / HOUR) * HOUR;
		const last = Math.min(midnight(to, 1) - 1, Math.max(Date.now(), ...rows.map(row => row.hour_ms)));
		for (let at = first; at <= last; at += HOUR)
			columns.push({key: at, label: hourMinute(at), title: hourMinute(at)});
		return {key: "hour_ms", columns};
	}
	const told = rows.map(row => row.day).sort();
	if (told.at(-1) > to)
		to = told.at(-1);
	// A year that is still being typed: only what there is.
	if (Date.parse(to) - Date.parse(from) > DAYS_MAX * DAY)
		[from, to] = [told[0] ?? to, told.at(-1) ?? to];
	for (let at = Date.parse(from); at <= Date.parse(to); at += DAY) {
		const text = new Date(at).toISOString().slice(0, 10);
		columns.push({key: text, label: dayShort(text), title: day(text)});
	}
	return {key: "day", columns};
}

// Rows -> the biggest few parts and the others, each with a value for each column.
function seriesOf(rows, by, measure, days, nameOf) {
	const {key, columns} = columnsOf(days, rows);
	const at = new Map(columns.map((column, index) => [column.key, index]));
	const parts = new Map();
	const add = (name, row, value) => {
		if (!at.has(row[key]))
			return;
		const part = parts.get(name) ?? {name, total: 0, values: columns.map(() => 0)};
		part.values[at.get(row[key])] += value;
		part.total += value;
		parts.set(name, part);
	};
	for (const row of rows)
		if (measure === "kinds")
			for (const [name, of] of Object.entries(kinds))
				add(t(name), row, of(row));
		else
			add(nameOf(row[by]), row, measures[measure](row));
	let series = [...parts.values()];
	if (measure !== "kinds")
		series.sort((a, b) => b.total - a.total);
	if (series.length > SERIES_MAX + 1) {
		const rest = series.slice(SERIES_MAX);
		series = [...series.slice(0, SERIES_MAX), {name: t("others"), total: rest.reduce((all, part) => all + part.total, 0),
			values: columns.map((_, index) => rest.reduce((all, part) => all + part.values[index], 0))}];
	}
	return {series, columns};
}

// ---- parts ----

function Chart({rows, by, measure, days, names, nameOf}) {
	const [at, point] = useState(null);
	const {series, columns} = useMemo(() => seriesOf(rows, by, measure, days, nameOf), [rows, by, measure, names]);
	const labels = useMemo(() => columns.map(column => column.label), [columns]);
	const format = value => measure === "cost" ? money(value) : compact(value);
	const shown = at !== null && columns[at] ? part => part.values[at] : part => part.total;
	const whole = series.reduce((all, part) => all + shown(part), 0);
	return html`<div class="chart-box">
		<${Stacked} series=${series} labels=${labels} format=${format} onPoint=${point}
			label=${t("chart_of", t(`m_${measure}`), t(`by_${by}`))} />
		<div class="legend"><p class="label">${at !== null && columns[at] ? columns[at].title : t("all")} <b class="num">${format(whole)}</b></p>
			<ul>${series.map((part, index) => html`<li key=${part.name}>
				<svg width="10" height="10" aria-hidden="true"><rect width="10" height="10" rx="2" fill=${`var(${colour(index)})`} /></svg>
				<span>${part.name}</span><span class="num">${format(shown(part))}</span></li>`)}</ul>
			<p class="soft">${t("hover_help")}</p></div>
	</div>`;
}

function Row({name, row, second, head}) {
	const all = sent(row);
	return html`<tr class=${head ? "total" : ""}><th scope="row">${name}</th>
		<td class="num" data-label=${t("requests")}>${number(row.requests)}</td>
		<td class=${row.failed ? "num stop" : "num soft"} data-label=${t("col_failed")}>${number(row.failed)}</td>
		<td class=${row.cancelled ? "num" : "num soft"} data-label=${t("col_cancelled")}>${number(row.cancelled)}</td>
		<td class="num" data-label=${t("col_input")}>${number(row.input)}</td>
		<td class="num" data-label=${t("col_cw")}>${number(row.cache_write_5m + row.cache_write_1h)}</td>
		<td class="num" data-label=${t("col_cr")}>${number(row.cache_read)}</td>
		<td class="num" data-label=${t("col_share")}>${all ? percent(row.cache_read / all) : "–"}</td>
		<td class="num" data-label=${t("col_output")}>${number(row.output)}</td>
		<td class="num" data-label=${t("cache_saved")}>${row.cache_saved_nano_usd === 0 ? "–" : html`${money(row.cache_saved_nano_usd / 1e9)} <span class="sub soft">${secondMoney(row.cache_saved_nano_usd, second)}</span>`}</td>
		<td class="num" data-label="USD">${money(row.cost_nano_usd / 1e9)}</td>
		<td class="num" data-label=${second.currency}>${secondMoney(row.cost_nano_usd, second)}</td></tr>`;
}

function Table({rows, totals, by, nameOf, second}) {
	return html`<${Scroll}><table class="cards"><thead><tr><th scope="col">${t(`by_${by}`)}</th>
		${["requests", "col_failed", "col_cancelled", "col_input", "col_cw", "col_cr", "col_share", "col_output", "cache_saved"].map(key => html`<th key=${key} scope="col" class="num">${t(key)}</th>`)}
		<th scope="col" class="num">USD</th><th scope="col" class="num">${second.currency}</th></tr></thead>
		<tbody>${rows.map(row => html`<${Row} key=${row[by]} name=${nameOf(row[by])} row=${row} second=${second} />`)}
			<${Row} name=${t("all")} row=${totals} second=${second} head /></tbody></table><//>`;
}

function Second({second, set}) {
	const change = next => {
		keepSecond(next);
		set(next);
	};
	return html`<fieldset class="bar inline"><legend class="label">${t("second_currency")}</legend>
		<select aria-label=${t("second_currency")} value=${second.currency} onChange=${event => change({...second, currency: event.target.value})}>
			${CURRENCIES.map(name => html`<option key=${name} value=${name} selected=${name === second.currency}>${name}</option>`)}</select>
		<${Typed} type="number" min="0" step="any" class="short" aria-label=${t("rate")} text=${second.rate}
			onText=${text => Number(text) > 0 && change({...second, rate: Number(text)})} />
		<span class="soft">${t("rate")}</span></fieldset>`;
}

// A cell that a spreadsheet would take for a formula gets a quote before it.
const cell = value => {
	const text = String(value);
	const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
	return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

function download(name, rows) {
	const keys = Object.keys(rows[0] ?? {requests: 0});
	const text = [keys, ...rows.map(row => keys.map(key => row[key]))].map(line => line.map(cell).join(",")).join("\r\n");
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([`\ufeff${text}\r\n`], {type: "text/csv"}));
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export default function Statistics() {
	const {state} = useLive();
	const [wish, set] = useState({range: "7", by: "model", measure: "tokens", epochs: "current",
		from: isoDay(Date.now() - 6 * DAY), to: isoDay(Date.now())});
	const [second, setSecond] = useState(secondCurrency);
	const change1 = more => set(before => ({...before, ...more}));
	const days = daysOf(wish);
	const span = spanOf(days, wish);
	const series = useAsk(`/api/v1/stats${queryText({by: `${areHours(days) ? "hour" : "day"},${wish.by}`, ...span})}`);
	const table = useAsk(`/api/v1/stats${queryText({by: wish.by, ...span})}`);
	const names = useMemo(() => namesOf(state), [state?.revision, language()]);
	const nameOf = id => names.get(id) ?? (id === "" || id === undefined ? t("unnamed") : id);
	const reset = async () => {
		if (!await ask({title: t("reset_title"), text: t("reset_text"), action: t("reset"), danger: true}))
			return;
		await change("POST", "/api/token-stats/reset", {}, {done: t("reset_done")});
		series.again();
		table.again();
	};
	const rows = table.data?.rows, totals = table.data?.totals;
	return html`<${Head} title=${t("page_statistics")} note=${t("stats_note")}>
			<${Button} disabled=${!rows?.length} onClick=${() => download(`pointsman-${days[0]}-${days[1]}-${wish.by}.csv`, series.data.rows)}>${t("csv")}<//>
			${live.session?.role !== "viewer" && html`<${Button} onClick=${reset}>${t("reset")}<//>`}<//>
		<div class="bar filters">
			<${Choice} label=${t("range")} value=${wish.range} onChange=${range => change1({range})} options=${RANGES.map(name => [name, t(`range_${name}`)])} />
			${wish.range === "own" && html`<input type="date" aria-label=${t("from_day")} value=${wish.from} onChange=${event => event.target.value && change1({from: event.target.value})} />
				<input type="date" aria-label=${t("to_day")} value=${wish.to} onChange=${event => event.target.value && change1({to: event.target.value})} />`}
			<${Choice} label=${t("by")} value=${wish.by} onChange=${by => change1({by})} options=${GROUPS.map(name => [name, t(`by_${name}`)])} />
			<${Choice} label=${t("measure")} value=${wish.measure} onChange=${measure => change1({measure})} options=${MEASURES.map(name => [name, t(`m_${name}`)])} />
			<label class="check"><input type="checkbox" checked=${wish.epochs === "all"} onChange=${event => change1({epochs: event.target.checked ? "all" : "current"})} /> ${t("all_epochs")}</label>
		</div>
		${!rows || !series.data || table.failed || series.failed ? html`<${Waiting} asked=${table.failed ? table : series} lines=${6} />`
			: rows.length === 0 ? html`<${Empty} title=${t("stats_none")} />`
				: html`${(series.data.cut || table.data.cut) && html`<${Notice} kind="warn"><p>${t("stats_cut")}</p><//>`}
				<section class="panel"><${Chart} rows=${series.data.rows} by=${wish.by} measure=${wish.measure} days=${days} names=${names} nameOf=${nameOf} /></section>
				<section class="panel"><${Table} rows=${rows} totals=${totals} by=${wish.by} nameOf=${nameOf} second=${second} /></section>
				<div class="bar spread"><${Second} second=${second} set=${setSecond} />
					<div>${totals.unpriced_calls > 0 && html`<p class="soft">${t("unpriced_note", number(totals.unpriced_calls))}</p>`}
					${totals.unknown_calls > 0 && html`<p class="soft">${t("unknown_note", number(totals.unknown_calls))}</p>`}</div></div>`}`;
}
