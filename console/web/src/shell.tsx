// SPDX-License-Identifier: Apache-2.0
// What is around every page: menu, search, the portal's state, theme and user.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { del } from "./api/client";
import { may, useMe } from "./api/session";
import type { Portal } from "./api/types";
import { useGet } from "./api/use";
import { absolute, relative } from "./lib/format";
import { type Theme, setTheme, theme } from "./lib/theme";
import { usePlace } from "./lib/url";
import { FormDialog } from "./parts/dialog";
import { Icon, type IconName, Mark } from "./parts/icons";
import { Link } from "./parts/link";
import { said } from "./parts/toast";
import { usePasswordForm } from "./pages/password";
import { menu } from "./routes";
import { Search } from "./search";

export function Shell({ out, children }: { out: () => void; children: ComponentChildren }) {
	const me = useMe();
	const { path } = usePlace();
	const [open, setOpen] = useState(false);
	const main = useRef<HTMLElement>(null);
	const portal = useGet<Portal>("/v1/portal", ["portal"]).data;
	const first = useRef(true);
	useEffect(() => {
		setOpen(false);
		// A new page begins at its top, also for who reads it by ear.
		if (first.current) {
			first.current = false;
			return;
		}
		scrollTo({ top: 0 });
		main.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
	}, [path]);
	// With the menu on the screen its keys work: no key falls in between.
	useLayoutEffect(() => {
		if (!open) return;
		const f = (e: KeyboardEvent): void => {
			if (e.key === "Escape") setOpen(false);
		};
		addEventListener("keydown", f);
		return () => removeEventListener("keydown", f);
	}, [open]);
	return (
		<div class={open ? "shell menu-open" : "shell"}>
			<a class="skip" href="#main" onClick={(e) => {
				e.preventDefault();
				main.current?.focus();
			}}>
				Skip to the page
			</a>
			<header class="top">
				<button type="button" class="button ghost icon-only menu-button" aria-label="Menu" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
					<Icon name={open ? "close" : "menu"} size={20} />
				</button>
				<Link to="/" class="brand">
					<Mark /> <span>Suture</span>
				</Link>
				<Search />
				<div class="top-side">
					<PortalChip of={portal} />
					<ThemeSwitch />
					<UserMenu out={out} />
				</div>
			</header>
			<nav class="menu" id="menu" aria-label="Pages">
				{menu.map((group) => {
					const entries = group.entries.filter((e) => !e.roles || may(me, ...e.roles));
					if (entries.length === 0) return null;
					return (
						<div key={group.title} class="menu-group">
							<p class="menu-title">{group.title}</p>
							<ul>
								{entries.map((e) => {
									const at = e.to === "/" ? path === "/" : path === e.to || path.startsWith(`${e.to}/`);
									return (
										<li key={e.to}>
											<Link to={e.to} class="menu-entry" aria-current={at ? "page" : undefined} onClick={() => setOpen(false)}>
												<Icon name={e.icon} /> {e.label}
											</Link>
										</li>
									);
								})}
							</ul>
						</div>
					);
				})}
			</nav>
			<div class="menu-shade" aria-hidden="true" onClick={() => setOpen(false)} />
			<main id="main" class="main" ref={main} tabIndex={-1}>
				<PortalNotice of={portal} />
				{children}
			</main>
		</div>
	);
}

const portalWords: Record<Portal["state"], string> = {
	ok: "Portal connected",
	away: "Portal away",
	refused: "Portal refuses",
	unset: "No portal",
};

function PortalChip({ of: data }: { of: Portal | undefined }) {
	if (!data) return <span class="portal-chip waiting" />;
	const label = portalWords[data.state] ?? data.state;
	return (
		<Link to="/settings" class={`portal-chip is-${data.state}`} title={data.last_ok ? `Last answer ${relative(data.last_ok)}` : undefined}>
			<span class="dot" aria-hidden="true" />
			<span class="portal-chip-text">{label}</span>
		</Link>
	);
}

/** What stands over every page while the portal does not answer. */
function PortalNotice({ of: data }: { of: Portal | undefined }) {
	const { path } = usePlace();
	if (!data || path === "/settings") return null;
	if (data.state === "away" || data.state === "refused")
		return (
			<div class="notice tone-warn slim" role="status">
				<Icon name="clock" />
				<div class="notice-body">
					<p>
						<strong>{data.state === "away" ? "The portal is away" : "The portal refuses this console"}</strong>
						{data.since ? `, since ${absolute(data.since)}` : ""}. What you see is what it said last
						{data.systems_at ? ` (${relative(data.systems_at)})` : ""}; it is asked again by itself.
						{data.error ? <span class="muted"> {data.error}</span> : null}
					</p>
				</div>
				<Link to="/settings" class="button small">
					Settings
				</Link>
			</div>
		);
	return null;
}

const themes: [Theme, string, IconName][] = [
	["auto", "As the system", "auto"],
	["light", "Light", "sun"],
	["dark", "Dark", "moon"],
];

function ThemeSwitch() {
	const [is, set] = useState<Theme>(theme());
	const i = themes.findIndex(([t]) => t === is);
	const [, label, icon] = themes[i] ?? ["auto", "As the system", "auto"];
	const next = themes[(i + 1) % themes.length]?.[0] ?? "auto";
	return (
		<button
			type="button"
			class="button ghost icon-only"
			title={`Theme: ${label}`}
			aria-label={`Theme: ${label}. Change`}
			onClick={() => {
				setTheme(next);
				set(next);
			}}
		>
			<Icon name={icon} />
		</button>
	);
}

function UserMenu({ out }: { out: () => void }) {
	const me = useMe();
	const [open, setOpen] = useState(false);
	const [changing, setChanging] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	// With the menu on the screen its keys work: no key falls in between.
	useLayoutEffect(() => {
		if (!open) return;
		const f = (e: Event): void => {
			if (e instanceof KeyboardEvent ? e.key === "Escape" : !box.current?.contains(e.target as Node)) setOpen(false);
		};
		addEventListener("keydown", f);
		addEventListener("pointerdown", f);
		return () => {
			removeEventListener("keydown", f);
			removeEventListener("pointerdown", f);
		};
	}, [open]);
	return (
		<div class="user-menu" ref={box}>
			<button type="button" class="button ghost" aria-expanded={open} aria-controls="user-menu" onClick={() => setOpen(!open)}>
				<Icon name="user" /> <span class="user-name">{me.name}</span>
				<Icon name="down" size={12} />
			</button>
			{open ? (
				<div class="popover" id="user-menu">
					<p class="popover-head">
						<strong>{me.name}</strong>
						<span class="muted">
							{me.roles.join(", ")} · {me.tenant}
						</span>
					</p>
					<button type="button" class="popover-item" onClick={() => {
						setOpen(false);
						setChanging(true);
					}}>
						<Icon name="keys" /> Change password
					</button>
					<button type="button" class="popover-item" onClick={() => {
						void del("/v1/sessions/current").then(out, out);
					}}>
						<Icon name="out" /> Sign out
					</button>
				</div>
			) : null}
			{changing ? <PasswordDialog close={() => setChanging(false)} /> : null}
		</div>
	);
}

function PasswordDialog({ close }: { close: () => void }) {
	const form = usePasswordForm(() => {
		said("Your password is changed.");
		close();
	});
	return (
		<FormDialog title="Change password" action="Change" onClose={close} send={form.change} disabled={!form.ready}>
			{form.fields}
		</FormDialog>
	);
}
