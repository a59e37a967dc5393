// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren, JSX } from "preact";
import { webAddress } from "../lib/format";
import { go } from "../lib/url";

type Props = Omit<JSX.HTMLAttributes<HTMLAnchorElement>, "href"> & { to: string; children?: ComponentChildren };

/** A link inside of these pages: no page load, but still a link that opens in a new tab. */
export function Link({ to, onClick, ...rest }: Props) {
	return (
		<a
			href={to}
			onClick={(e) => {
				onClick?.(e);
				if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
				e.preventDefault();
				go(to);
			}}
			{...rest}
		/>
	);
}

/** A link out of these pages, from data: only to the web, and it learns nothing of us. Else plain text. */
export function Outside({ href, children, class: name }: { href: string; children: ComponentChildren; class?: string }) {
	const to = webAddress(href);
	if (!to) return <>{children}</>;
	return (
		<a href={to} target="_blank" rel="noopener noreferrer" class={name}>
			{children}
			<span class="sr"> (opens a new tab)</span>
		</a>
	);
}
