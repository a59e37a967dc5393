// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Link } from "./link";

/** The head of a page; its title is the browser's, too. */
export function Page({
	title,
	kicker,
	note,
	actions,
	children,
	back,
}: {
	title: string;
	kicker?: ComponentChildren;
	note?: ComponentChildren;
	actions?: ComponentChildren;
	children: ComponentChildren;
	back?: { to: string; label: string };
}) {
	useEffect(() => {
		document.title = `${title} · Suture`;
	}, [title]);
	return (
		<div class="page">
			<header class="page-head">
				<div class="page-title">
					{back ? (
						<nav aria-label="Where this is" class="crumb">
							<Link to={back.to}>{back.label}</Link>
							<span aria-hidden="true">/</span>
						</nav>
					) : null}
					<h1 tabIndex={-1}>{title}</h1>
					{kicker ? <div class="kicker">{kicker}</div> : null}
				</div>
				{actions ? <div class="page-actions">{actions}</div> : null}
				{note ? <p class="page-note">{note}</p> : null}
			</header>
			{children}
		</div>
	);
}
