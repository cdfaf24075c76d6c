// What is wrong now, who was told of it, and a test of the way there.
import {Button, Mark, change, html} from "../kit.js";
import {addWords, reasonText, t, when} from "../i18n.js";
import {live, useLive} from "../live.js";
import words from "../words/alerts.js";

addWords(words);

const ways = ["webhook", "command"];

const Way = ({name, way}) => way && html`<span class=${way.state === "sent" ? "soft" : way.state === "given_up" ? "stop" : "warn"}>${
	t(name)}: ${t(`sent_${way.state}`)}${way.status ? ` ${way.status}` : ""}</span>`;

export function Alerts() {
	const alerts = useLive().state?.alerts;
	if (!alerts)
		return null;
	return html`<section class="panel"><header class="bar"><h2>${t("alerts_now")}</h2>
			${live.session?.role !== "viewer" && html`<${Button} kind="small" onClick=${() => change("POST", "/api/v1/alerts/test", {}, {done: t("alert_sent")})}>${t("alert_test")}<//>`}</header>
		${alerts.active.length === 0 ? html`<p class="soft">${t("alerts_none")}</p>`
			: html`<ul class="plain-list">${alerts.active.map(alert => html`<li key=${alert.incident}><${Mark} kind="stop">${t(`alert_${alert.kind}`)}<//>
				<b>${alert.name || alert.subject}</b><span>${reasonText(alert.detail)}</span><span class="soft">${t("from", when(alert.since_ms))}</span></li>`)}</ul>`}
		${alerts.recent.length > 0 && html`<h3>${t("alerts_told")}</h3><ul class="plain-list">${alerts.recent.map(notice => html`<li key=${notice.id}>
			<span class="soft num">${when(notice.at_ms)}</span><span>${notice.text}</span>${ways.map(name => html`<${Way} key=${name} name=${name} way=${notice[name]} />`)}</li>`)}</ul>`}
	</section>`;
}
