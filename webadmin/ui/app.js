// The model, what changes it, and the clock that asks for news.
import {call, session} from "./api.js";
import {sync} from "./dom.js";
import {page} from "./views.js";
import {language, switchLanguage, t} from "./words.js";

const REFRESH_MS = 2000;
const TOAST_MS = 3000;

const model = {
	session: null, // the answer of /api/session
	state: null,   // the last good answer of /api/state
	seenAt: 0,     // when that was true
	away: null,    // {who}: who does not answer
	said: "",      // below the login field
	toast: "",
	busy: false,
};
let nextRefresh = 0, toastEnd = 0;

function show() {
	document.documentElement.lang = language();
	sync(document.getElementById("app"), page(model));
}

function toast(text) {
	model.toast = text;
	clearTimeout(toastEnd);
	toastEnd = setTimeout(() => toast(""), TOAST_MS);
	if (text === "")
		clearTimeout(toastEnd);
	show();
}

// ---- news ----

async function enter() {
	const answer = await session();
	if (answer.status === 200) {
		model.session = answer.body;
		model.away = null;
	} else {
		model.away = {who: "admin"};
	}
}

function leave(said) {
	model.session = {...model.session, logged_in: false};
	model.state = null;
	model.away = null;
	model.said = said;
}

function take(answer) {
	if (answer.status === 200) {
		model.state = answer.body;
		model.seenAt = Date.now() - answer.body.age_ms;
		model.away = null;
	} else if (answer.status === 401) {
		leave(t("login_over"));
	} else {
		model.away = {who: answer.body.success === false ? "control" : "admin"};
	}
}

// "#login=CODE" of the address that a terminal has shown: used once, and not left in the history.
async function loginByAddress() {
	const code = new URLSearchParams(location.hash.slice(1)).get("login");
	if (code === null)
		return;
	history.replaceState(null, "", location.pathname + location.search);
	const answer = await call("POST", "/api/login", {token: code});
	if (answer.status === 401)
		model.said = t("login_wrong");
}

// One question at a time, and none for a page that nobody sees: a session left alone goes idle.
async function refresh() {
	clearTimeout(nextRefresh);
	if (!document.hidden) {
		if (model.session === null)
			await enter();
		if (model.session?.logged_in)
			take(await call("GET", "/api/state"));
		show();
	}
	clearTimeout(nextRefresh);
	nextRefresh = setTimeout(refresh, REFRESH_MS);
}

// ---- what a person does ----

async function login(form) {
	const token = form.elements.token.value.trim();
	model.said = token === "" ? t("login_empty") : "";
	if (token === "" || model.busy)
		return show();
	model.busy = true;
	show();
	const answer = await call("POST", "/api/login", {token});
	model.busy = false;
	if (answer.status === 200) {
		form.reset();
		await enter();
		return refresh();
	}
	const texts = {401: "login_wrong", 429: "login_wait", 503: "control_away", 0: "admin_away"};
	model.said = answer.status in texts ? t(texts[answer.status], answer.wait) : answer.body.message;
	show();
	document.getElementById("token").select();
}

async function logout() {
	const answer = await call("POST", "/api/logout");
	if (answer.status === 200 || answer.status === 401) {
		leave("");
		await enter();
		show();
	} else {
		toast(t("admin_away"));
	}
}

async function reload() {
	model.busy = true;
	show();
	const answer = await call("POST", "/api/reload");
	model.busy = false;
	if (answer.status === 200)
		toast(answer.body.changed ? t("reloaded", answer.body.revision) : t("reload_same"));
	else
		toast(answer.status === 422 ? t("reload_refused") : t("control_away"));
	refresh();
}

// Without the clipboard the text is selected at least.
async function copy(button) {
	const text = button.closest(".snippet").querySelector("pre");
	const done = await navigator.clipboard?.writeText(text.textContent).then(() => true, () => false);
	if (!done)
		getSelection().selectAllChildren(text);
	toast(t(done ? "copied" : "copy_failed"));
}

const actions = {
	logout, reload, copy,
	language() {
		switchLanguage();
		model.said = "";
		show();
	},
};

document.addEventListener("click", event => {
	const button = event.target.closest("button[data-action]");
	if (button)
		actions[button.dataset.action](button);
});
document.addEventListener("submit", event => {
	event.preventDefault();
	login(event.target);
});
document.addEventListener("visibilitychange", () => {
	if (!document.hidden)
		refresh();
});
show();
loginByAddress().then(refresh);
