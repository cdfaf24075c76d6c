// Stacked columns over time, drawn by uPlot, which is loaded with the first chart.
import {html, useEffect, useRef} from "./kit.js";

const HEIGHT = 260;
let loading = null;

function loadPlot() {
	const folder = new URL(".", import.meta.url);
	loading ??= Promise.all([import("./npm/uplot.js"), new Promise(settle => {
		const link = document.createElement("link");
		link.rel = "stylesheet";
		link.href = `${folder}npm/uplot.css`;
		link.onload = link.onerror = settle;
		document.head.append(link);
	})]).then(([module]) => module.default);
	return loading;
}

// The colour of the n-th part, the same in the chart and beside it.
export const colour = at => `--c${at % 8 + 1}`;

const resolve = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Each column stands on the sum of those below it, so that the highest is drawn first.
function stack(series) {
	const sums = [];
	for (const part of series)
		sums.push(part.values.map((value, at) => value + (sums.at(-1)?.[at] ?? 0)));
	return sums.reverse();
}

function options(uPlot, {series, labels, format, onPoint}, width) {
	const soft = resolve("--soft"), rule = resolve("--rule");
	const font = `12px ${getComputedStyle(document.body).fontFamily}`;
	const bars = uPlot.paths.bars({size: [0.78, 48]});
	const axis = {stroke: soft, font, grid: {stroke: rule, width: 1}, ticks: {show: false}};
	return {
		width, height: HEIGHT, legend: {show: false}, padding: [10, 8, 0, 0],
		cursor: {y: false, points: {show: false}, drag: {x: false, y: false}},
		scales: {x: {time: false, range: [-0.6, labels.length - 0.4]}, y: {range: (_, low, high) => [0, high > 0 ? high * 1.06 : 1]}},
		axes: [
			{...axis, size: 30, grid: {show: false}, incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 30, 48, 90], space: 56,
				values: (_, at) => at.map(x => labels[x] ?? "")},
			{...axis, size: 66, values: (_, values) => values.map(format)},
		],
		series: [{}, ...series.map((_, at) => ({stroke: resolve(colour(series.length - 1 - at)), width: 0,
			fill: resolve(colour(series.length - 1 - at)), paths: bars, points: {show: false}}))],
		hooks: {setCursor: [plot => onPoint(plot.cursor.idx ?? null)]},
	};
}

// series: [{name, values}], labels: one for each column; onPoint(index or null).
export function Stacked({series, labels, format, onPoint, label}) {
	const place = useRef();
	useEffect(() => {
		let plot = null, gone = false, watch = null;
		const draw = async () => {
			const uPlot = await loadPlot();
			if (gone)
				return;
			plot?.destroy();
			plot = new uPlot(options(uPlot, {series, labels, format, onPoint}, place.current.clientWidth),
				[labels.map((_, at) => at), ...stack(series)], place.current);
		};
		draw();
		watch = new ResizeObserver(() => plot?.setSize({width: place.current.clientWidth, height: HEIGHT}));
		watch.observe(place.current);
		const dark = matchMedia("(prefers-color-scheme: dark)");
		const theme = new MutationObserver(draw);
		theme.observe(document.documentElement, {attributeFilter: ["data-theme", "lang"]});
		dark.addEventListener("change", draw);
		return () => {
			gone = true;
			watch.disconnect();
			theme.disconnect();
			dark.removeEventListener("change", draw);
			plot?.destroy();
		};
	}, [series, labels]);
	return html`<div class="chart" ref=${place} role="img" aria-label=${label} />`;
}
