// Calls below /api. Every answer is {status, body, wait}; status 0: nobody answered.
let csrf = "";

export async function call(method, path, body) {
	const options = {method, cache: "no-store", signal: AbortSignal.timeout(8000)};
	if (method !== "GET") {
		options.headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf};
		options.body = JSON.stringify(body ?? {});
	}
	try {
		const response = await fetch(path, options);
		return {
			status: response.status,
			wait: Number(response.headers.get("Retry-After")),
			body: await response.json().catch(() => ({})),
		};
	} catch {
		return {status: 0, wait: 0, body: {}};
	}
}

export async function session() {
	const answer = await call("GET", "/api/session");
	csrf = answer.body.csrf_token ?? "";
	return answer;
}
