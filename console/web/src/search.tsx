// SPDX-License-Identifier: Apache-2.0
// One field for all: systems, CVEs, pages. "/" leads to it from everywhere.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { get, withQuery } from "./api/client";
import { may, useMe } from "./api/session";
import type { Cve, Page, System } from "./api/types";
import { counted } from "./lib/format";
import { go, usePlace } from "./lib/url";
import { Icon, type IconName } from "./parts/icons";
import { menu } from "./routes";

interface Hit {
	to: string;
	label: string;
	note: string;
	icon: IconName;
}

export function Search() {
	const me = useMe();
	const { path } = usePlace();
	const [typed, setTyped] = useState("");
	const [open, setOpen] = useState(false);
	const [found, setFound] = useState<Hit[]>([]);
	const [at, setAt] = useState(0);
	const [asking, setAsking] = useState(false);
	const field = useRef<HTMLInputElement>(null);
	const box = useRef<HTMLDivElement>(null);
	const id = useId();
	const q = typed.trim();

	useEffect(() => {
		const f = (e: KeyboardEvent): void => {
			if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey) return;
			const t = e.target;
			if (t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName))) return;
			if (document.querySelector("dialog[open]")) return;
			e.preventDefault();
			field.current?.focus();
			field.current?.select();
		};
		addEventListener("keydown", f);
		return () => removeEventListener("keydown", f);
	}, []);
	useEffect(() => {
		setOpen(false);
		setTyped("");
	}, [path]);
	useEffect(() => {
		if (!open) return;
		const f = (e: PointerEvent): void => {
			if (!box.current?.contains(e.target as Node)) setOpen(false);
		};
		addEventListener("pointerdown", f);
		return () => removeEventListener("pointerdown", f);
	}, [open]);
	useEffect(() => {
		setAt(0);
		setFound([]);
		if (q.length < 2) {
			setAsking(false);
			return;
		}
		setAsking(true);
		const abort = new AbortController();
		const t = setTimeout(() => {
			const o = { signal: abort.signal };
			void Promise.allSettled([
				get<Page<System>>(withQuery("/v1/systems", { q, limit: 6 }), o),
				get<Page<Cve>>(withQuery("/v1/cves", { q, limit: 6 }), o),
			]).then(([s, c]) => {
				if (abort.signal.aborted) return;
				const hits: Hit[] = [];
				if (s.status === "fulfilled")
					for (const x of s.value.items)
						hits.push({
							to: `/systems/${encodeURIComponent(x.id)}`,
							label: x.hostname || x.fqdn || x.system_id || x.id,
							note: x.kernel?.release ?? "",
							icon: "systems",
						});
				if (c.status === "fulfilled")
					for (const x of c.value.items)
						hits.push({ to: `/cves/${encodeURIComponent(x.cve)}`, label: x.cve, note: counted(x.systems, "system"), icon: "cve" });
				setFound(hits);
				setAsking(false);
			});
		}, 200);
		return () => {
			clearTimeout(t);
			abort.abort();
		};
	}, [q]);

	const low = q.toLowerCase();
	const pages: Hit[] = menu
		.flatMap((g) => g.entries)
		.filter((e) => (!e.roles || may(me, ...e.roles)) && (low === "" || e.label.toLowerCase().includes(low)))
		.map((e) => ({ to: e.to, label: e.label, note: "Page", icon: e.icon }));
	const hits = low === "" ? pages : [...found, ...pages];
	const pick = (h: Hit | undefined): void => {
		if (!h) return;
		setOpen(false);
		setTyped("");
		field.current?.blur();
		go(h.to);
	};
	return (
		<div class="search" ref={box}>
			<Icon name="search" />
			<input
				ref={field}
				type="search"
				role="combobox"
				aria-label="Search systems, CVEs and pages"
				aria-expanded={open}
				aria-controls={`${id}-list`}
				aria-activedescendant={open && hits[at] ? `${id}-${at}` : undefined}
				aria-autocomplete="list"
				placeholder="Search systems, CVEs, pages"
				autocomplete="off"
				spellcheck={false}
				maxLength={200}
				value={typed}
				onFocus={() => setOpen(true)}
				onInput={(e) => {
					setTyped(e.currentTarget.value);
					setOpen(true);
				}}
				onKeyDown={(e) => {
					if (e.key === "ArrowDown" || e.key === "ArrowUp") {
						e.preventDefault();
						setOpen(true);
						const n = hits.length;
						if (n > 0) setAt((i) => (i + (e.key === "ArrowDown" ? 1 : n - 1)) % n);
					} else if (e.key === "Enter") {
						e.preventDefault();
						pick(hits[at]);
					} else if (e.key === "Escape") {
						setOpen(false);
						if (typed === "") e.currentTarget.blur();
					} else if (e.key === "Tab") setOpen(false);
				}}
			/>
			<kbd aria-hidden="true">/</kbd>
			<div class={open ? "search-list" : "search-list closed"} id={`${id}-list`} role="listbox" aria-label="Found">
				{hits.map((h, i) => (
					<div
						key={h.to}
						id={`${id}-${i}`}
						role="option"
						aria-selected={i === at}
						class={i === at ? "search-hit on" : "search-hit"}
						onPointerMove={() => setAt(i)}
						onClick={() => pick(h)}
					>
						<Icon name={h.icon} />
						<span class="search-label">{h.label}</span>
						<span class="search-note">{h.note}</span>
					</div>
				))}
				{hits.length === 0 ? (
					<div class="search-none" role="option" aria-selected={false} aria-disabled={true}>
						{asking ? "Looking…" : "Nothing of that name. Try a host name, a System ID or a CVE."}
					</div>
				) : null}
			</div>
		</div>
	);
}
