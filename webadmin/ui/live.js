// What the gateway is doing now: kept up to date by its event stream, or by asking where there is none.
import {get, session, whenLoggedOut} from "./api.js";
import {useEffect, useState} from "./npm/htm.js";

const POLL_MS = 2000;
const STREAM_AGAIN_MS = 30000;
const SESSION_MS = 60000; // an open stream is no use of the session
const FEED_MAX = 500;

export const live = {
	session: undefined, // the answer of /api/session; undefined: not asked yet, null: nobody answers
	state: null,        // the last known state
	seenAt: 0,          // when that was true
	link: "starting",   // "live", "polling", "lost"
	control: true,      // does the control plane answer?
	feed: [],           // ended requests, newest first
	said: "",           // why the login form is shown
};
const watchers = new Set();
let source = null, timer = 0, streamAgain = 0, waiting = [];

function changed() {
	waiting = waiting.filter(wait => !wait());
	for (const watcher of [...watchers])
		watcher();
}

// The page is drawn again with each change.
export function useLive() {
	const [, draw] = useState(0);
	useEffect(() => {
		const watcher = () => draw(n => n + 1);
		watchers.add(watcher);
		return () => watchers.delete(watcher);
	}, []);
	return live;
}

// The time, told anew each second while the page is seen.
export function useClock() {
	const [now, set] = useState(Date.now());
	useEffect(() => {
		const beat = setInterval(() => document.hidden || set(Date.now()), 1000);
		return () => clearInterval(beat);
	}, []);
	return now;
}

export function addToFeed(records) {
	const known = new Set(live.feed.map(record => record.seq));
	const fresh = records.filter(record => !known.has(record.seq));
	if (fresh.length)
		live.feed = [...fresh, ...live.feed].sort((a, b) => b.seq - a.seq).slice(0, FEED_MAX);
}

function takeState(state) {
	live.state = state;
	live.seenAt = Date.now() - (state.age_ms ?? 0);
	live.control = true;
}

// Members that are another now; of upstreams those only that changed, each whole.
function takeChange({upstreams, ...members}) {
	if (live.state === null)
		return;
	const news = new Map((upstreams ?? []).map(upstream => [upstream.id, upstream]));
	const groups = live.state.groups.map(group => !group.upstreams.some(upstream => news.has(upstream.id)) ? group
		: {...group, upstreams: group.upstreams.map(upstream => news.get(upstream.id) ?? upstream)});
	takeState({...live.state, groups, ...members, age_ms: 0});
}

function leave(said) {
	stop();
	live.state = null;
	live.feed = [];
	live.said = said;
	if (live.session)
		live.session = {...live.session, logged_in: false, csrf_token: null};
	changed();
}

whenLoggedOut(() => live.session?.logged_in && leave("login_over"));

// ---- the stream ----

const handlers = {
	state: takeState,
	change: takeChange,
	requests: ({records}) => addToFeed(records),
	control({answering, age_ms}) {
		live.control = answering;
		live.seenAt = Date.now() - age_ms;
	},
	end({reason}) {
		source.close();
		source = null;
		if (reason === "logged_out")
			leave("login_over");
		else
			poll();
	},
};

function openStream() {
	source = new EventSource("/api/v1/events?topics=state,requests");
	for (const [name, handler] of Object.entries(handlers))
		source.addEventListener(name, event => {
			handler(JSON.parse(event.data));
			changed();
		});
	source.onopen = () => {
		live.link = "live";
		changed();
	};
	source.onerror = () => {
		if (source?.readyState === EventSource.CLOSED) {
			source = null;
			streamAgain = Date.now() + STREAM_AGAIN_MS;
			poll();
		} else {
			live.link = "lost"; // the browser tries again by itself
			changed();
		}
	};
}

// ---- without it ----

async function poll() {
	clearTimeout(timer);
	if (document.hidden || !live.session?.logged_in)
		return;
	const answer = await get("/api/state");
	if (answer.status === 200)
		takeState(answer.body);
	else if (answer.status !== 0)
		live.control = false;
	live.link = answer.status === 0 ? "lost" : "polling";
	changed();
	clearTimeout(timer);
	if (!live.session?.logged_in || source)
		return;
	if (Date.now() > streamAgain)
		openStream();
	else
		timer = setTimeout(poll, POLL_MS);
}

function stop() {
	source?.close();
	source = null;
	clearTimeout(timer);
}

// Asks who is there, and for news when somebody is.
export async function enter() {
	stop();
	live.session = await session();
	changed();
	if (live.session?.logged_in)
		openStream();
	else if (live.session === null)
		timer = setTimeout(enter, POLL_MS);
}

export function logOut(said = "") {
	leave(said);
	return enter();
}

// Nobody sees the page: no stream, no questions, so that a session left alone goes idle.
document.addEventListener("visibilitychange", () => {
	if (document.hidden)
		stop();
	else if (live.session !== undefined)
		enter();
});
setInterval(() => document.hidden || !live.session?.logged_in || session(), SESSION_MS);

// Settles with the time at which every data plane had that routing table; null when it takes too long.
export function whenApplied(version, patience_ms = 15000) {
	return new Promise(settle => {
		const end = setTimeout(() => settle(null), patience_ms);
		const check = () => {
			const planes = live.state?.dataplanes ?? [];
			if (!planes.length || planes.some(plane => plane.table_version < version))
				return false;
			clearTimeout(end);
			settle(Date.now());
			return true;
		};
		if (!check())
			waiting.push(check);
	});
}
