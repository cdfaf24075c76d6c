// Texts in English and Chinese; numbers, money, times and spans as people of that language write them.
import base from "./words/base.js";

const STORE = "pointsman-language";
export const LANGUAGES = [["en", "English"], ["zh-CN", "中文"]];
const words = {...base};
let index = first();
const makers = new Map(); // of Intl: dear to make, so made once

export function kept(name) {
	try {
		return localStorage.getItem(name);
	} catch {
		return null; // storage may be switched off
	}
}

export function keep(name, value) {
	try {
		localStorage.setItem(name, value);
	} catch {
		// Then it holds until the page is left.
	}
}

function first() {
	return (kept(STORE) ?? navigator.language).startsWith("zh") ? 1 : 0;
}

export const language = () => LANGUAGES[index][0];
export const languageIndex = () => index;

export function setLanguage(name) {
	index = name.startsWith("zh") ? 1 : 0;
	keep(STORE, language());
	makers.clear();
}

// A page brings its own words along.
export function addWords(table) {
	Object.assign(words, table);
}

export const knows = key => Object.hasOwn(words, key);

// The text, its {} filled in order; what no table knows is shown as it came.
export function t(key, ...values) {
	const text = knows(key) ? words[key][index] : String(key);
	return values.length ? text.replace(/\{\}/g, () => String(values.shift())) : text;
}

function maker(kind, options) {
	const name = kind + JSON.stringify(options);
	if (!makers.has(name))
		makers.set(name, new Intl[kind](language(), options));
	return makers.get(name);
}

export const number = (value, digits = 0) =>
	maker("NumberFormat", {maximumFractionDigits: digits}).format(value);

export const compact = value => Math.abs(value) < 10000 ? number(value)
	: maker("NumberFormat", {notation: "compact", maximumFractionDigits: 1}).format(value);

export const percent = share =>
	maker("NumberFormat", {style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0}).format(share);

export function money(value, currency = "USD") {
	const small = value !== 0 && Math.abs(value) < 1;
	return maker("NumberFormat", {style: "currency", currency, currencyDisplay: "narrowSymbol",
		...small ? {minimumSignificantDigits: 2, maximumSignificantDigits: 3} : {maximumFractionDigits: 2}}).format(value);
}

// Beside US dollars, at the owner's own rate: {currency, rate}.
const SECOND = "pointsman-currency";
export function secondCurrency() {
	try {
		return JSON.parse(kept(SECOND)) ?? {currency: "CNY", rate: 7.2};
	} catch {
		return {currency: "CNY", rate: 7.2};
	}
}

export const keepSecond = second => keep(SECOND, JSON.stringify(second));
export const secondMoney = (nanoUsd, second) => money(nanoUsd / 1e9 * second.rate, second.currency);

export const time = ms => maker("DateTimeFormat", {timeStyle: "medium", hourCycle: "h23"}).format(ms);
export const hourMinute = ms => maker("DateTimeFormat", {hour: "2-digit", minute: "2-digit", hourCycle: "h23"}).format(ms);
export const dateTime = ms => maker("DateTimeFormat", {dateStyle: "medium", timeStyle: "medium", hourCycle: "h23"}).format(ms);
// "2026-11-26" is a day, wherever the browser stands.
export const day = text =>
	maker("DateTimeFormat", {dateStyle: "medium", timeZone: "UTC"}).format(Date.parse(`${text}T00:00Z`));
export const dayShort = text =>
	maker("DateTimeFormat", {month: "short", day: "numeric", timeZone: "UTC"}).format(Date.parse(`${text}T00:00Z`));
// 0 = Monday
export const weekday = at =>
	maker("DateTimeFormat", {weekday: "short", timeZone: "UTC"}).format(Date.UTC(2024, 0, 1 + at));

// Today: the time; within six days: the weekday with it, which is one only; else the date.
const SIX_DAYS = 6 * 86400000;
export function when(ms) {
	const now = new Date();
	if (new Date(ms).toDateString() === now.toDateString())
		return hourMinute(ms);
	const near = Math.abs(ms - now) < SIX_DAYS;
	const year = new Date(ms).getFullYear() === now.getFullYear() ? {} : {year: "numeric"};
	return maker("DateTimeFormat", {...near ? {weekday: "short"} : {month: "short", day: "numeric", ...year},
		hour: "2-digit", minute: "2-digit", hourCycle: "h23"}).format(ms);
}

export function span(ms) {
	const s = Math.max(0, Math.floor(ms / 1000));
	if (s < 120)
		return t("seconds", s);
	if (s < 7200)
		return t("minutes", Math.floor(s / 60));
	if (s < 172800)
		return t("hours", Math.floor(s / 3600));
	return t("days", Math.floor(s / 86400));
}

// 93 -> "93 ms", 9300 -> "9.3 s"
export const took = ms => ms < 1000 ? `${number(ms)} ms` : t("seconds", number(ms / 1000, ms < 100000 ? 1 : 0));

// A running clock: "1:05", "1:02:03"
export function clock(ms) {
	const s = Math.max(0, Math.ceil(ms / 1000));
	const two = value => String(value).padStart(2, "0");
	return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}`
		: `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
export function bytes(value) {
	let at = 0;
	for (; value >= 1024 && at < UNITS.length - 1; at++)
		value /= 1024;
	return `${number(value, value < 10 && at > 0 ? 1 : 0)} ${UNITS[at]}`;
}

// Why something failed: words of the data planes.
// What the gateway calls by a word, where there is a text for it.
export const wordOf = (kind, word) => knows(`${kind}_${word}`) ? t(`${kind}_${word}`) : word;

// "merge api_configs 7f3a": the first word says what was done.
export function deedText(text) {
	const [deed, ...rest] = text.split(" ");
	return knows(text) ? t(text) : [wordOf("action", deed), ...rest].join(" ");
}

// A sentence of the control plane, which speaks English.
export function sentence(text) {
	const plain = String(text).replaceAll('"', "'");
	if (index === 0)
		return text;
	if (knows(plain))
		return t(plain);
	for (const key of Object.keys(words).filter(name => name.includes(" ") && name.includes("{}"))) {
		const found = new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll("{}", "(.+)")}$`).exec(plain);
		if (found)
			return t(key, ...found.slice(1));
	}
	return text;
}

export function reasonText(reason) {
	const status = /^status_(\d+)$/.exec(reason);
	if (status)
		return knows(`http_${status[1]}`) ? `HTTP ${status[1]}${t("comma")}${t(`http_${status[1]}`)}` : `HTTP ${status[1]}`;
	return knows(`reason_${reason}`) ? t(`reason_${reason}`) : reason;
}
