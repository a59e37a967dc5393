// SPDX-License-Identifier: Apache-2.0
// Days on a plot, drawn by uPlot in the colours of the theme; the same figures as a table for who
// cannot see it.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count, day } from "../lib/format";
import { onTheme } from "../lib/theme";

export interface Line {
	label: string;
	/** A custom property with the colour. */
	colour: string;
	values: (number | null)[];
	fill?: boolean;
}

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";

export function Plot({ days, lines, label, height = 200 }: { days: string[]; lines: Line[]; label: string; height?: number }) {
	const box = useRef<HTMLDivElement>(null);
	const [theme, setTheme] = useState(0);
	useEffect(() => onTheme(() => setTheme((n) => n + 1)), []);
	useEffect(() => {
		const el = box.current;
		if (!el || days.length === 0) return;
		const muted = colourOf("--text-muted");
		const grid = colourOf("--border-soft");
		const font = `11px ${colourOf("--font") || "sans-serif"}`;
		const axis: uPlot.Axis = { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
		const plot = new uPlot(
			{
				width: el.clientWidth || 300,
				height,
				padding: [8, 24, 0, 0],
				legend: { show: false },
				cursor: { points: { size: 6 }, drag: { x: false, y: false } },
				scales: { x: { time: false }, y: { range: (_u, _min, max) => [0, Math.max(4, Math.ceil(max * 1.08))] } },
				axes: [
					{ ...axis, values: (_u, at) => at.map((i) => (Number.isInteger(i) && days[i] ? day(days[i]) : "")), grid: { show: false }, space: 64, size: 24, gap: 6 },
					{ ...axis, values: (_u, at) => at.map((v) => (Number.isInteger(v) ? count(v) : "")), size: 52, space: 34 },
				],
				series: [
					{},
					...lines.map((l): uPlot.Series => {
						const stroke = colourOf(l.colour);
						return { label: l.label, stroke, width: 2, points: { show: days.length < 3, size: 6, fill: stroke }, ...(l.fill ? { fill: `${stroke}22` } : {}) };
					}),
				],
			},
			[days.map((_, i) => i), ...lines.map((l) => l.values)] as uPlot.AlignedData,
			el,
		);
		const watch = new ResizeObserver(() => {
			if (el.clientWidth > 0) plot.setSize({ width: el.clientWidth, height });
		});
		watch.observe(el);
		return () => {
			watch.disconnect();
			plot.destroy();
		};
	}, [days, lines, height, theme]);
	return (
		<figure class="plot" aria-label={label}>
			<figcaption class="plot-legend">
				{lines.map((l) => (
					<span key={l.label} class="plot-key">
						<span class="plot-swatch" aria-hidden="true" style={{ backgroundColor: `var(${l.colour})` }} />
						{l.label} <strong>{count(l.values.at(-1))}</strong>
					</span>
				))}
			</figcaption>
			<div class="plot-box" ref={box} aria-hidden="true" style={{ height: `${height}px` }} />
			<div class="sr">
				<table>
					<caption>{label}</caption>
					<thead>
						<tr>
							<th scope="col">Day</th>
							{lines.map((l) => (
								<th key={l.label} scope="col">
									{l.label}
								</th>
							))}
						</tr>
					</thead>
					<tbody>
						{days.map((d, i) => (
							<tr key={d}>
								<th scope="row">{d}</th>
								{lines.map((l) => (
									<td key={l.label}>{count(l.values[i])}</td>
								))}
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</figure>
	);
}
