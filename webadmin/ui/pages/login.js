// The form for the admin token.
import {html, useEffect, useRef, useState} from "../kit.js";
import {call} from "../api.js";
import {knows, t} from "../i18n.js";
import {enter, live} from "../live.js";

const texts = {401: "login_wrong", 403: "login_wrong", 429: "login_wait", 503: "control_away", 0: "admin_away"};

export default function Login() {
	const [said, say] = useState(live.said);
	const [busy, work] = useState(false);
	const field = useRef();
	useEffect(() => field.current.focus(), []);
	const login = async event => {
		event.preventDefault();
		const token = field.current.value.trim();
		if (token === "" || busy)
			return say("login_empty");
		work(true);
		const answer = await call("POST", "/api/login", {token});
		work(false);
		if (answer.status === 200) {
			field.current.value = "";
			live.said = "";
			return enter();
		}
		say(answer.status in texts ? t(texts[answer.status], answer.wait) : answer.body.message ?? t("failed_somehow"));
		field.current?.select();
	};
	return html`<form class="login" onSubmit=${login} method="post" action="/api/login">
		<h1>${t("login_title")}</h1>
		<input type="text" name="user" value="admin" autocomplete="username" hidden />
		<label for="token">${t("login_label")}</label>
		<input ref=${field} id="token" name="token" type="password" required autocomplete="current-password"
			spellcheck="false" maxlength="1024" aria-describedby="login-said" aria-invalid=${said ? "true" : undefined} />
		<p id="login-said" class="said" role="alert">${knows(said) ? t(said) : said}</p>
		<button type="submit" class="main" disabled=${busy}>${t("login_button")}</button>
		<p class="soft">${t("login_help")} <code>admin-token</code></p>
		<p class="soft">${t("login_code")} <code>pointsman login</code></p>
	</form>`;
}
