// The page as a function of the model. Nothing here asks or changes anything.
import {el} from "./dom.js";
import {language, mebibytes, number, span, t} from "./words.js";

const SILENT_MS = 5000;
const PATHS = {
	claude: "/v1/messages",
	codex: "/v1/responses",
	chat: "/v1/chat/completions",
	chat_via_claude: "/v1/chat/completions",
};

function mark(kind, text) {
	return el("span", {class: `mark ${kind}`}, text);
}

function button(action, text, attributes) {
	return el("button", {type: "button", "data-action": action, ...attributes}, text);
}

function section(name, ...content) {
	return el("section", {"aria-labelledby": name},
		el("div", {class: "side"}, el("h2", {id: name}, t(name)), el("p", {}, t(`${name}_note`))),
		el("div", {class: "content"}, content));
}

function notice(kind, ...content) {
	return el("div", {class: `notice ${kind}`, role: kind === "stop" ? "alert" : "status"}, content);
}

// ---- upstreams ----

function upstreamState(upstream) {
	if (upstream.available)
		return mark("go", t("available"));
	return mark(upstream.enabled ? "warn" : "off", t(upstream.reason || "not_available"));
}

function keyText(key) {
	if (key === "")
		return t("key_none");
	return `${t("key")} ${key === "set" ? t("key_set") : key}`;
}

function upstreamRow(upstream) {
	return el("li", {class: upstream.available ? "" : "out"},
		el("span", {class: "rank"}, upstream.rank > 0 ? String(upstream.rank) : "–"),
		el("span", {class: "name"}, upstream.name,
			upstream.demo && el("span", {class: "tag"}, t("demo_mark"))),
		el("span", {class: "where"}, el("code", {}, upstream.base_url),
			el("code", {class: "key"}, keyText(upstream.key))),
		el("span", {class: "tier"}, t(upstream.tier)),
		upstreamState(upstream));
}

function groupView(group) {
	return el("div", {class: "group"},
		el("h3", {}, t(group.group),
			PATHS[group.group] ? el("code", {}, PATHS[group.group])
				: el("span", {}, t(`${group.group}_note`))),
		el("ol", {class: "rows"}, group.upstreams.map(upstreamRow)));
}

function upstreamsView(state) {
	const used = state.groups.filter(group => group.upstreams.length > 0);
	const empty = state.groups.filter(group => group.upstreams.length === 0);
	return section("upstreams", used.map(groupView),
		empty.length > 0 && el("p", {class: "soft"},
			t("no_upstreams") + empty.map(group => t(group.group)).join(", ")));
}

// ---- data planes ----

function dataplaneState(plane, state) {
	if (plane.age_ms > SILENT_MS)
		return mark("stop", t("silent", span(plane.age_ms)));
	if (plane.table_version !== state.version || plane.table_epoch !== state.epoch)
		return mark("warn", t("behind"));
	return mark("go", t("fresh"));
}

const FIGURES = {
	in_flight: plane => number(plane.in_flight),
	requests: plane => number(plane.requests),
	completed: plane => number(plane.completed),
	failed: plane => number(plane.failed),
	client_gone: plane => number(plane.client_gone),
	attempts: plane => number(plane.attempts),
	connections: plane => number(plane.connections),
	table: plane => number(plane.table_version),
	memory: plane => mebibytes(plane.rss_bytes),
	age: plane => span(Date.now() - plane.started_ms),
};

function dataplaneRow(plane, state) {
	return el("tr", {},
		el("th", {scope: "row", title: `pid ${plane.pid}`}, plane.instance),
		Object.entries(FIGURES).map(([name, text]) =>
			el("td", {"data-label": t(name)}, text(plane))),
		el("td", {class: "last"}, dataplaneState(plane, state)));
}

function dataplanesView(state) {
	const planes = [...state.dataplanes].sort((a, b) =>
		a.instance.localeCompare(b.instance, "en", {numeric: true}) || a.age_ms - b.age_ms);
	if (planes.length === 0)
		return section("dataplanes", el("p", {class: "soft"}, t("dataplanes_none")));
	return section("dataplanes", el("table", {},
		el("thead", {}, el("tr", {}, el("td", {}),
			Object.keys(FIGURES).map(name => el("th", {scope: "col"}, t(name))), el("td", {}))),
		el("tbody", {}, planes.map(plane => dataplaneRow(plane, state)))));
}

// ---- client keys ----

function clientKeysView(state) {
	return section("client_keys", state.client_keys.length > 0
		? el("ul", {class: "rows keys"}, state.client_keys.map(key =>
			el("li", {class: key.enabled ? "" : "out"},
				el("span", {class: "name"}, key.name || key.id),
				el("code", {class: "soft"}, key.id),
				key.enabled ? mark("go", t("enabled")) : mark("off", t("disabled")))))
		: el("p", {class: "soft"}, t("client_keys_none")));
}

// ---- how to connect ----

function snippet(title, text) {
	return el("div", {class: "snippet"},
		el("h3", {}, title, button("copy", t("copy"), {class: "small"})),
		el("pre", {tabindex: "0"}, el("code", {}, text)));
}

// The folder above json_data/, where the first client key is kept; quoted for a shell.
function keyFile(state) {
	const folder = (state.config_path ?? "").replace(/\/json_data\/[^/]*$/, "");
	return `'${folder}/client-key'`.replace(/(?!^)'(?!$)/g, "'\\''");
}

function connectView(state, session) {
	const base = `${location.protocol}//${location.hostname}:${session.api_port}`;
	return section("connect",
		snippet(t("connect_key"), `export POINTSMAN_KEY="$(cat ${keyFile(state)})"`),
		snippet("Claude Code",
			`ANTHROPIC_BASE_URL=${base} ANTHROPIC_AUTH_TOKEN="$POINTSMAN_KEY" claude`),
		snippet(t("connect_codex"), [
			"model_provider = \"pointsman\"",
			"[model_providers.pointsman]",
			"name = \"Pointsman\"",
			`base_url = "${base}/openai"`,
			"wire_api = \"responses\"",
			"env_key = \"POINTSMAN_KEY\"",
		].join("\n")),
		snippet(t("connect_sdk"), `OPENAI_BASE_URL=${base}/v1 OPENAI_API_KEY="$POINTSMAN_KEY"`));
}

// ---- what stands above all ----

function awayNotice(model) {
	if (model.away === null)
		return null;
	return notice("stop", el("p", {}, t(model.away.who === "control" ? "control_away" : "admin_away")),
		model.state && el("p", {}, t("control_last", span(Date.now() - model.seenAt))));
}

function configNotice(state) {
	const error = state.config_error;
	if (error === null)
		return null;
	return notice("warn",
		el("p", {}, el("strong", {}, t("config_refused", state.revision))),
		error.faults.length > 0
			? el("ul", {class: "faults"}, error.faults.map(fault =>
				el("li", {}, el("code", {}, fault.path), el("span", {}, fault.message))))
			: el("p", {}, error.message),
		el("p", {class: "soft"}, el("code", {}, state.config_path ?? "")));
}

function demoNotice(state) {
	return state.demo && notice("note", el("p", {}, t("demo"), " ",
		el("code", {}, state.config_path ?? ""), language() === "en" ? ". " : "。", t("demo_saved")));
}

function summary(model) {
	const state = model.state;
	const enabled = state.groups.map(group => group.upstreams.filter(one => one.enabled));
	const available = enabled.map(list => list.filter(one => one.available).length);
	const alive = state.dataplanes.filter(plane => plane.age_ms <= SILENT_MS);
	const stuck = state.groups.filter((group, i) => enabled[i].length > 0 && available[i] === 0);
	const sum = numbers => numbers.reduce((total, one) => total + one, 0);
	const down = alive.length === 0 || sum(available) === 0;
	const well = stuck.length === 0 && state.config_error === null && model.away === null &&
		alive.length === state.dataplanes.length;
	return el("div", {class: "summary"},
		el("p", {class: `light ${down ? "stop" : well ? "go" : "warn"}`},
			t(down ? "down" : well ? "ok" : "partly")),
		el("p", {class: "facts soft"}, [
			...stuck.map(group => t("sum_stuck", t(group.group))),
			t("sum_upstreams", number(sum(available)), number(enabled.flat().length)),
			t("sum_dataplanes", number(alive.length)),
			t("sum_in_flight", number(sum(alive.map(plane => plane.in_flight)))),
		].map(text => el("span", {}, text))));
}

function footer(model) {
	const state = model.state;
	return el("footer", {},
		el("span", {}, `Pointsman ${model.session.version}`),
		el("span", {}, `${t("config_file")} `, el("code", {}, state.config_path ?? "")),
		el("span", {}, t("revision", state.revision)),
		el("span", {}, `${t("table")} ${state.version}`));
}

// ---- pages ----

function header(model) {
	const inside = model.session?.logged_in;
	return el("header", {},
		el("img", {src: "/assets/icon.svg", alt: "", width: "28", height: "28"}),
		el("h1", {}, t("title"), el("small", {}, t("tagline"))),
		el("nav", {},
			inside && button("reload", t("reload"), {title: t("reload_title"), disabled: model.busy}),
			button("language", t("other_language"),
				{lang: language() === "en" ? "zh-CN" : "en"}),
			inside && button("logout", t("logout"))));
}

function loginView(model) {
	return el("main", {class: "login"},
		el("form", {"data-action": "login", method: "post", action: "/api/login"},
			el("h2", {}, t("login_title")),
			el("input", {type: "text", name: "user", value: "admin", autocomplete: "username",
				hidden: true}),
			el("label", {for: "token"}, t("login_label")),
			el("input", {id: "token", name: "token", type: "password", required: true,
				autocomplete: "current-password", spellcheck: "false", maxlength: "1024",
				"aria-describedby": "login-said", "aria-invalid": model.said ? "true" : null}),
			el("p", {id: "login-said", class: "said", role: "alert"}, model.said),
			el("button", {type: "submit", class: "main", disabled: model.busy}, t("login_button")),
			el("p", {class: "soft"}, t("login_help"), " ", el("code", {}, "admin-token"),
				language() === "en" ? "." : "")));
}

function statusView(model) {
	if (model.state === null)
		return el("main", {}, awayNotice(model) ?? el("p", {class: "soft"}, t("loading")));
	return el("main", {class: model.away ? "stale" : ""},
		awayNotice(model), configNotice(model.state), demoNotice(model.state), summary(model),
		upstreamsView(model.state), dataplanesView(model.state), clientKeysView(model.state),
		connectView(model.state, model.session), footer(model));
}

export function page(model) {
	const body = model.session === null
		? el("main", {}, awayNotice(model) ?? el("p", {class: "soft"}, t("loading")))
		: model.session.logged_in ? statusView(model) : loginView(model);
	return el("div", {id: "app"}, header(model), body,
		el("p", {class: model.toast ? "toast shown" : "toast", role: "status"}, model.toast));
}
