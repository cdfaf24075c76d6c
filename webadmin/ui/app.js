// The frame around the pages: addresses, navigation, language, colours, who is there and what is lost.
import {Above, Button, Notice, Waiting, html, render, toast, useEffect, useState} from "./kit.js";
import {call} from "./api.js";
import {LANGUAGES, keep, kept, language, sentence, setLanguage, span, t} from "./i18n.js";
import {enter, live, logOut, useClock, useLive} from "./live.js";

const pages = {
	overview: () => import("./pages/overview.js"),
	live: () => import("./pages/live.js"),
	statistics: () => import("./pages/statistics.js"),
	upstreams: () => import("./pages/upstreams.js"),
	keys: () => import("./pages/keys.js"),
	settings: () => import("./pages/settings.js"),
	config: () => import("./pages/config.js"),
	access: () => import("./pages/access.js"),
	simulator: () => import("./pages/simulator.js"),
	playground: () => import("./pages/playground.js"),
};
const menu = [
	["watch", ["overview", "live", "statistics"]],
	["set", ["upstreams", "keys", "settings", "config", "access"]],
	["try", ["simulator", "playground"]],
];
const THEMES = ["system", "light", "dark"];

// ---- addresses: #/page/argument?name=value ----

function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text; // a lone % is itself
	}
}

function address() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const [name, ...rest] = path.split("/");
	const start = location.pathname === "/token-stats.html" ? "statistics" : "overview";
	return {name: Object.hasOwn(pages, name) ? name : start, rest: rest.map(decoded),
		query: new URLSearchParams(query ?? "")};
}

function useAddress() {
	const [here, set] = useState(address());
	useEffect(() => {
		const move = () => {
			set(address());
			scrollTo(0, 0);
		};
		addEventListener("hashchange", move);
		return () => removeEventListener("hashchange", move);
	}, []);
	return here;
}

// ---- colours ----

function applyTheme(theme) {
	if (theme === "system")
		delete document.documentElement.dataset.theme;
	else
		document.documentElement.dataset.theme = theme;
}

applyTheme(kept("pointsman-theme") ?? "system");

function Look({redraw}) {
	const [theme, set] = useState(kept("pointsman-theme") ?? "system");
	const paint = event => {
		keep("pointsman-theme", event.target.value);
		applyTheme(event.target.value);
		set(event.target.value);
	};
	const speak = event => {
		setLanguage(event.target.value);
		redraw();
	};
	return html`<div class="look">
		<select aria-label=${t("language")} value=${language()} onChange=${speak}>
			${LANGUAGES.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === language()}>${text}</option>`)}
		</select>
		<select aria-label=${t("colours")} value=${theme} onChange=${paint}>
			${THEMES.map(name => html`<option key=${name} value=${name} selected=${name === theme}>${t(`theme_${name}`)}</option>`)}
		</select></div>`;
}

// ---- the frame ----

const Logo = () => html`<svg class="logo" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
	<path d="M3 12h6l9-7M9 12l9 7" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
	<circle cx="19" cy="5" r="2.6" class="go" /><circle cx="19" cy="19" r="2.6" class="dim" /></svg>`;

function Menu({here, shown, close}) {
	return html`<nav id="menu" class=${shown ? "shown" : ""} aria-label=${t("pages")}>
		${menu.map(([part, names]) => html`<div key=${part}><h2>${t(`part_${part}`)}</h2>
			<ul>${names.map(name => html`<li key=${name}><a href=${`#/${name}`} onClick=${close}
				aria-current=${here.name === name ? "page" : undefined}>${t(`page_${name}`)}</a></li>`)}</ul></div>`)}
	</nav>`;
}

// One word on how the whole stands.
function verdict() {
	const state = live.state;
	if (live.session === null || live.link === "lost")
		return ["stop", t("no_link")];
	if (!state)
		return ["off", t("loading")];
	if (!live.control)
		return ["stop", t("control_lost")];
	const planes = state.dataplanes.filter(plane => plane.age_ms < 5000);
	const used = state.groups.filter(group => group.upstreams.some(upstream => upstream.enabled));
	const stuck = used.filter(group => !group.upstreams.some(upstream => upstream.available));
	if (!planes.length || (used.length && stuck.length === used.length))
		return ["stop", t("down")];
	if (stuck.length || planes.length < state.dataplanes.length || state.config_error)
		return ["warn", t("partly")];
	return ["go", t("ok")];
}

function Foot() {
	const now = useClock();
	const state = live.state;
	return html`<footer>
		<span>Pointsman ${live.session?.version}</span>
		${state && html`<span>${t("revision", state.revision)}</span><span>${t("table", state.version)}</span>`}
		${state && html`<span class="path" title=${state.config_path}>${state.config_path}</span>`}
		<span class="end">${live.link === "polling" ? t("link_polling") : live.link === "live" ? t("link_live") : ""}
			${state && (live.link === "lost" || !live.control) ? ` · ${t("age", span(now - live.seenAt))}` : ""}</span>
	</footer>`;
}

function Lost() {
	const now = useClock();
	const age = live.state ? html`<p>${t("last_seen", span(now - live.seenAt))}</p>` : null;
	if (live.session === null || live.link === "lost")
		return html`<${Notice} kind="stop"><p><b>${t(navigator.onLine ? "admin_away" : "offline")}</b></p>${age}<//>`;
	if (!live.control)
		return html`<${Notice} kind="stop"><p><b>${t("control_away")}</b></p>${age}<//>`;
	return null;
}

function ConfigError({error}) {
	return html`<${Notice} kind="warn"><p><b>${t("config_refused", live.state.revision)}</b></p>
		<ul class="faults">${(error.faults ?? []).map((fault, at) =>
			html`<li key=${at}><code>${fault.path}</code> <span>${sentence(fault.message)}</span></li>`)}</ul>
		${!error.faults?.length && html`<p>${sentence(error.message)}</p>`}<//>`;
}

// A page is loaded when it is opened first. One that isn't there any more: a newer version runs.
function Page({here, name}) {
	const [loaded, set] = useState({});
	useEffect(() => {
		if (loaded.name === name)
			return;
		(name === "login" ? import("./pages/login.js") : pages[name]()).then(
			module => set({name, Show: module.default}), () => set({name, failed: true}));
	}, [name]);
	useEffect(() => { document.title = `${t(`page_${name}`)} · Pointsman`; });
	if (loaded.failed)
		return html`<${Notice} kind="warn"><p>${t("newer_version")}</p>
			<p><${Button} kind="main" onClick=${() => location.reload()}>${t("load_again")}<//></p><//>`;
	if (loaded.name !== name)
		return html`<${Waiting} asked=${{}} />`;
	return html`<${loaded.Show} key=${name} here=${here} />`;
}

async function logout() {
	const answer = await call("POST", "/api/logout");
	if (answer.status === 200 || answer.status === 401)
		await logOut();
	else
		toast(t("admin_away"), "bad");
}

function App() {
	useLive();
	const here = useAddress();
	const [, redraw] = useState(0);
	const [shown, show] = useState(false);
	useEffect(() => { document.documentElement.lang = language(); });
	const inside = live.session?.logged_in;
	const [kind, word] = verdict();
	const close = () => show(false);
	return html`
		<a class="skip" href="#main" onClick=${event => {
			event.preventDefault();
			document.getElementById("main").focus();
		}}>${t("skip")}</a>
		<header class=${inside ? "top within" : "top"}>
			${inside && html`<button type="button" class="plain burger" aria-expanded=${shown ? "true" : "false"}
				aria-controls="menu" aria-label=${t("pages")} onClick=${() => show(!shown)}>☰</button>`}
			<a class="brand" href="#/overview" aria-label="Pointsman"><${Logo} /> <span class="word">Pointsman</span></a>
			${inside && html`<span class=${`light ${kind}`} role="status">${word}</span>`}
			<${Look} redraw=${() => redraw(n => n + 1)} />
			${inside && html`<${Button} kind="small" onClick=${logout}
				title=${live.session.user ?? ""}>${t("logout")}<//>`}
		</header>
		<div class=${inside ? "frame" : "frame outside"}>
			${inside && html`<${Menu} here=${here} shown=${shown} close=${close} />`}
			<main id="main" tabindex="-1" class=${live.link === "lost" || !live.control ? "stale" : ""}>
				<${Lost} />
				${inside && live.state?.config_error && html`<${ConfigError} error=${live.state.config_error} />`}
				${live.session === undefined ? html`<${Waiting} asked=${{}} />`
					: live.session && html`<${Page} here=${here} name=${inside ? here.name : "login"} />`}
			</main>
		</div>
		${inside && html`<${Foot} />`}
		<${Above} />`;
}

// /#login=CODE, as the terminal shows it: once in, the code is gone from the address.
async function takeCode() {
	const code = /^#login=(.+)$/.exec(location.hash)?.[1];
	if (!code)
		return enter();
	history.replaceState(null, "", "#/overview");
	const answer = await call("POST", "/api/login", {token: decoded(code)});
	if (answer.status !== 200)
		live.said = "code_refused";
	return enter();
}

addEventListener("online", enter);
addEventListener("offline", () => { live.link = "lost"; });
document.getElementById("app").replaceChildren();
render(html`<${App} />`, document.getElementById("app"));
takeCode();
