// Hours in which an upstream serves: weekdays by hours, painted with the mouse or the keyboard.
import {Button, html, useRef, useState} from "./kit.js";
import {t, weekday} from "./i18n.js";

const minutes = text => {
	const [hour, minute] = text.split(":").map(Number);
	return hour * 60 + minute;
};

// "22:00-06:00" for each day -> flags by day and hour; null when a part of an hour is meant.
function paint(ranges, grid, days) {
	for (const range of ranges) {
		const [from, to] = String(range).split("-").map(minutes);
		if (!Number.isInteger(from / 60) || !Number.isInteger(to / 60))
			return false;
		for (const day of days)
			for (let at = from / 60; at < (to > from ? to : to + 1440) / 60; at++)
				grid[(day + Math.floor(at / 24)) % 7][at % 24] = 1;
	}
	return true;
}

export function toGrid(value) {
	const grid = Array.from({length: 7}, () => Array(24).fill(0));
	if (!value?.length)
		return grid.map(day => day.map(() => 1));
	if (typeof value[0] === "string" && value.every(part => typeof part === "string"))
		return paint(value, grid, [0, 1, 2, 3, 4, 5, 6]) ? grid : null;
	for (let day = 0; day < 7; day++) {
		const plan = value[day];
		if (plan === null || plan === undefined)
			grid[day] = grid[day].map(() => 1);
		else if (Array.isArray(plan) && plan.length === 24 && plan.every(flag => typeof flag !== "string"))
			plan.forEach((flag, hour) => { grid[day][hour] = grid[day][hour] || Number(flag); });
		else if (!paint([plan].flat(), grid, [day]))
			return null;
	}
	return grid;
}

// All hours: nothing is set. Each day alike: ranges; else a day each, as flags.
export function fromGrid(grid) {
	if (grid.every(day => day.every(Boolean)))
		return undefined;
	return grid.map(day => day.every(Boolean) ? null : day.map(Number));
}

export function Hours({value, set, id}) {
	const grid = toGrid(value);
	const brush = useRef(null); // what a drag paints
	const [at, move] = useState([0, 0]);
	const place = useRef();
	const put = (day, hour, on) => set(fromGrid(grid.map((row, d) => row.map((flag, h) => d === day && h === hour ? on : flag))));
	const all = (on, days = [0, 1, 2, 3, 4, 5, 6]) => set(fromGrid(grid.map((row, d) => days.includes(d) ? row.map(() => on) : row)));
	if (grid === null)
		return html`<span id=${id} class="bar"><code>${JSON.stringify(value)}</code><span class="soft">${t("hours_parts")}</span>
			<${Button} kind="small" onClick=${() => set(undefined)}>${t("hours_all")}<//></span>`;
	const steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
	const onKey = event => {
		const step = steps[event.key];
		if (!step)
			return;
		event.preventDefault();
		const next = [(at[0] + step[0] + 7) % 7, (at[1] + step[1] + 24) % 24];
		move(next);
		place.current.querySelector(`[data-at="${next}"]`).focus();
	};
	return html`<span id=${id} class="hours"><span class="bar"><${Button} kind="small" onClick=${() => all(1)}>${t("hours_all")}<//>
			<${Button} kind="small" onClick=${() => all(0)}>${t("hours_none")}<//></span>
		<table ref=${place} role="grid" aria-label=${t("l_hours")} onKeyDown=${onKey} onPointerUp=${() => { brush.current = null; }} onPointerLeave=${() => { brush.current = null; }}>
			<thead><tr><td></td>${Array.from({length: 24}, (_, hour) => html`<th key=${hour} scope="col">${hour % 3 ? "" : hour}</th>`)}</tr></thead>
			<tbody>${grid.map((row, day) => html`<tr key=${day}><th scope="row">${weekday(day)}</th>${row.map((flag, hour) => html`<td key=${hour} role="gridcell">
				<button type="button" data-at=${`${day},${hour}`} class=${flag ? "on" : ""} aria-pressed=${flag ? "true" : "false"} aria-label=${`${weekday(day)} ${hour}:00`}
					tabindex=${at[0] === day && at[1] === hour ? 0 : -1}
					onPointerDown=${event => { event.target.releasePointerCapture?.(event.pointerId); brush.current = flag ? 0 : 1; move([day, hour]); put(day, hour, brush.current); }}
					onPointerEnter=${() => brush.current !== null && brush.current !== Number(flag) && put(day, hour, brush.current)}
					onClick=${event => event.detail === 0 && put(day, hour, flag ? 0 : 1)} /></td>`)}</tr>`)}</tbody></table></span>`;
}
