// SPDX-License-Identifier: Apache-2.0
// Our own icons: 16 × 16, lines in the colour of the text around them.

const paths = {
	posture: "M8 1.5l5.5 2v4c0 3.3-2.3 5.8-5.5 7-3.2-1.2-5.5-3.7-5.5-7v-4zM5.5 8l1.8 1.8L10.8 6",
	systems: "M2 2.5h12v4H2zM2 9.5h12v4H2zM4.5 4.5h.01M4.5 11.5h.01M7 4.5h4.5M7 11.5h4.5",
	cve: "M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.6h.01",
	findings: "M6.8 2.2a4.6 4.6 0 1 1 0 9.2 4.6 4.6 0 0 1 0-9.2zM10.2 10.2l4 4",
	scans: "M2 5V2.5h3M11 2.5h3V5M14 11v2.5h-3M5 13.5H2V11M1.5 8h13",
	patches: "M5.2 2.6l8.2 8.2a1.8 1.8 0 0 1-2.6 2.6L2.6 5.2a1.8 1.8 0 0 1 2.6-2.6zM8 6.2v.01M6.2 8v.01M9.8 8v.01M8 9.8v.01",
	coverage: "M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11",
	jobs: "M2.5 3.5l1.2 1.2L6 2.5M2.5 8.5l1.2 1.2L6 7.5M8.5 4h5M8.5 9h5M2.5 13.5h11",
	keys: "M10.5 2a3.5 3.5 0 1 1-3.1 5.1L2 12.5V14h2.5v-1.7h1.7v-1.7h1.2l1-1M11.2 4.8h.01",
	users: "M6 2.5a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2zM1.5 13.5c.3-2.7 2-4 4.5-4s4.2 1.3 4.5 4M10.5 2.8a2.4 2.4 0 0 1 0 4.6M12 9.8c1.5.5 2.3 1.8 2.5 3.7",
	tokens: "M1.5 5h13v6h-13zM4.5 8h.01M7 8h.01M9.5 8h.01M12 8h.01",
	webhooks: "M8 2v5M8 7l-4 5.5M8 7l4 5.5M3 13.5h.01M13 13.5h.01M8 2h.01",
	audit: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M5.5 8h5M5.5 11h5",
	settings: "M2 4.5h6M11 4.5h3M9.5 3v3M2 11.5h3M8 11.5h6M6.5 10v3",
	menu: "M2 4h12M2 8h12M2 12h12",
	close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
	search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.5 10.5l3.5 3.5",
	sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
	moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
	auto: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 2v12M8 5l4.8-.6M8 8h6M8 11l4.8.6",
	copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
	check: "M2.5 8.5l3.5 3.5 7.5-8",
	right: "M6 3.5L10.5 8 6 12.5",
	left: "M10 3.5L5.5 8l4.5 4.5",
	down: "M3.5 6L8 10.5 12.5 6",
	up: "M3.5 10L8 5.5l4.5 4.5",
	out: "M9 2.5h4.5V7M13.5 2.5L7.5 8.5M11.5 9.5v4h-9v-9h4",
	upload: "M8 10.5v-8M4.5 5.5L8 2l3.5 3.5M2.5 10.5v3h11v-3",
	download: "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 11v2.5h11V11",
	plus: "M8 2.5v11M2.5 8h11",
	user: "M8 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM2.5 14c.4-3 2.4-4.5 5.5-4.5s5.1 1.5 5.5 4.5",
	info: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 7.2v4M8 4.8h.01",
	clock: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.5V8l2.5 1.5",
	bolt: "M9 1.5L3 9h4l-.8 5.5L13 6.5H8.5z",
	retry: "M13.5 8a5.5 5.5 0 1 1-1.8-4M13.5 1.5V5H10",
	stop: "M4 4h8v8H4z",
	link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5L7.5 13a3 3 0 0 1-4.3-4.3L4.7 7.2",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
	return (
		<svg
			class="icon"
			viewBox="0 0 16 16"
			width={size}
			height={size}
			fill="none"
			stroke="currentColor"
			stroke-width="1.5"
			stroke-linecap="round"
			stroke-linejoin="round"
			aria-hidden="true"
			focusable="false"
		>
			<path d={paths[name]} />
		</svg>
	);
}

/** The mark of the product: a seam of three stitches. */
export function Mark({ size = 24 }: { size?: number }) {
	return (
		<svg class="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
			<rect width="32" height="32" rx="7" class="mark-ground" />
			<path d="M5 16h22" class="mark-seam" />
			<path d="M8.5 10.5l3.2 11M14.4 10.5l3.2 11M20.3 10.5l3.2 11" class="mark-stitch" />
		</svg>
	);
}
