// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it. The choice is kept by the browser; theme.js applies it
// before the first paint.

export type Theme = "auto" | "light" | "dark";

const KEY = "suture-theme";
const watchers = new Set<() => void>();

export function theme(): Theme {
	const t = document.documentElement.dataset.theme;
	return t === "light" || t === "dark" ? t : "auto";
}

export function setTheme(t: Theme): void {
	if (t === "auto") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = t;
	try {
		if (t === "auto") localStorage.removeItem(KEY);
		else localStorage.setItem(KEY, t);
	} catch {
		// Storage is switched off: it holds until the page is left.
	}
	for (const w of watchers) w();
}

/** Calls `f` when colours change, by the switch or by the system. */
export function onTheme(f: () => void): () => void {
	watchers.add(f);
	const media = matchMedia("(prefers-color-scheme: dark)");
	media.addEventListener("change", f);
	return () => {
		watchers.delete(f);
		media.removeEventListener("change", f);
	};
}
