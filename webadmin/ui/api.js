// Calls to the gateway. Every answer comes back as {status, body, etag, wait}; status 0: nobody answered.

let csrfToken = null;
let onLoggedOut = () => {};

export function whenLoggedOut(handler) {
	onLoggedOut = handler;
}

function read(text) {
	try {
		return JSON.parse(text);
	} catch {
		return {};
	}
}

const changing = () => ({"Content-Type": "application/json", "X-CSRF-Token": csrfToken ?? ""});

// The answer itself, for whoever reads it as it comes.
export async function stream(path, body, signal) {
	const answer = await fetch(path, {method: "POST", signal, credentials: "same-origin", cache: "no-store",
		headers: changing(), body: JSON.stringify(body)});
	if (answer.status === 401)
		onLoggedOut();
	return answer;
}

export async function call(method, path, body, {ifMatch, text} = {}) {
	const headers = method === "GET" ? {} : changing();
	if (ifMatch)
		headers["If-Match"] = ifMatch;
	let answer, raw;
	try {
		answer = await fetch(path, {
			method, headers, credentials: "same-origin", cache: "no-store",
			body: method === "GET" ? undefined : text ?? JSON.stringify(body ?? {}),
		});
		raw = await answer.text();
	} catch {
		return {status: 0, body: {}, etag: null, wait: 0};
	}
	if (answer.status === 401 && path !== "/api/login")
		onLoggedOut();
	return {status: answer.status, body: read(raw), etag: answer.headers.get("ETag"),
		wait: Number(answer.headers.get("Retry-After") ?? 0)};
}

export const get = (path, query) => call("GET", path + queryText(query));

// {a: 1, b: ""} -> "?a=1"
export function queryText(query = {}) {
	const set = Object.entries(query).filter(([, value]) => value !== "" && value != null);
	return set.length ? `?${new URLSearchParams(set)}` : "";
}

// Who is there; null when nobody answers.
export async function session() {
	const answer = await call("GET", "/api/session");
	if (answer.status !== 200)
		return null;
	csrfToken = answer.body.csrf_token;
	return answer.body;
}
