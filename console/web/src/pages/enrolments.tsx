// SPDX-License-Identifier: Apache-2.0
// "Add new server": its facts go to the portal, its System ID comes back, and a command to paste.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { Enrolment, Key, Page as PageOf } from "../api/types";
import { useGet } from "../api/use";
import { lines } from "../parts/job-dialog";
import { CopyBox } from "../parts/copy";
import { Dialog, FormDialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Area, Select, Text } from "../parts/fields";
import { Badge, Dash, Empty, Mono, When } from "../parts/small";
import { ListCard, useList } from "../parts/list";

const words = { registered: ["Registered", "ready"], waiting: ["Waiting for the agent", "warn"], active: ["Active", "good"] } as const;

export function Enrolments({ add }: { add?: () => void }) {
	const list = useList<Enrolment>("/v1/enrolments", [], ["system", "portal"]);
	return (
		<ListCard
			list={list}
			one="server"
			caption="Servers on their way"
			rowKey={(e) => e.id}
			columns={[
				{
					key: "host",
					title: "Server",
					grow: true,
					cell: (e) => (
						<>
							<span class="cell-main">{e.hostname || e.external_id || "any"}</span>
							{e.external_id ? <span class="cell-sub">{e.external_id}</span> : null}
						</>
					),
				},
				{ key: "state", title: "State", cell: (e) => <Badge tone={words[e.state]?.[1] ?? "quiet"}>{words[e.state]?.[0] ?? e.state}</Badge> },
				{ key: "id", title: "System ID", cell: (e) => (e.system_id ? <Mono>{e.system_id}</Mono> : <Dash />) },
				{ key: "created", title: "Added", cell: (e) => <When at={e.created} /> },
				{ key: "seen", title: "First call", cell: (e) => <When at={e.seen} none="not yet" /> },
			]}
			empty={
				<Empty
					icon="systems"
					title="No servers on their way"
					action={
						add ? (
							<button type="button" class="button primary" onClick={add}>
								Add a server
							</button>
						) : undefined
					}
				>
					Add a server: its System ID comes from the portal, and one command brings its agent in.
				</Empty>
			}
		/>
	);
}

export function AddServer({ close }: { close: () => void }) {
	const keys = useGet<PageOf<Key>>("/v1/keys?limit=200");
	const usable = (keys.data?.items ?? []).filter((k) => !k.revoked);
	const [key, setKey] = useState("");
	const [f, setF] = useState({ hostname: "", external_id: "", machine_id: "", product_uuid: "", fqdn: "", distribution: "", release: "", arch: "" });
	const [addresses, setAddresses] = useState("");
	const [made, setMade] = useState<Enrolment | null>(null);
	const field = (name: keyof typeof f) => ({ value: f[name], set: (v: string) => setF({ ...f, [name]: v }), maxLength: 255 });
	const chosen = key || usable[0]?.id || "";
	if (made)
		return (
			<Dialog title="The server is added" onClose={close}>
				<div class="dialog-body">
					{made.system_id ? (
						<CopyBox label="System ID" text={made.system_id} />
					) : (
						<p>Its System ID comes when its agent registers; the console finds it by the external ID.</p>
					)}
					{made.command ? <CopyBox label="Paste this on the server, as root" text={made.command} /> : null}
					<p class="hint">It installs the agent and registers the server. A minute later it appears under Systems.</p>
				</div>
				<footer class="dialog-foot">
					<button type="button" class="button primary" onClick={close}>
						Done
					</button>
				</footer>
			</Dialog>
		);
	return (
		<FormDialog
			title="Add a server"
			action="Add"
			wide
			onClose={close}
			disabled={chosen === ""}
			send={async () => {
				const body: Record<string, unknown> = { key: chosen };
				for (const [k, v] of Object.entries(f)) if (v.trim()) body[k] = v.trim();
				const a = lines(addresses.replace(/[,\s]+/g, "\n"));
				if (a.length > 0) body.addresses = a;
				setMade(await post<Enrolment>("/v1/enrolments", body));
			}}
		>
			{(problem) => (
				<>
					{keys.error ? <Failure problem={keys.error} retry={keys.reload} /> : null}
					{keys.data && usable.length === 0 ? (
						<p class="notice tone-warn">
							<span class="notice-body">There is no key that can be used. Make a key first.</span>
						</p>
					) : null}
					<div class="fields">
						<Select label="Key" value={chosen} set={setKey} options={usable.map((k) => [k.id, k.note || k.hint || k.id] as const)} error={problem?.field("key")} />
						<Text label="Host name" {...field("hostname")} error={problem?.field("hostname")} />
						<Text label="External ID" {...field("external_id")} hint="What your own inventory calls it." error={problem?.field("external_id")} />
						<Text label="Machine ID" {...field("machine_id")} hint="Of /etc/machine-id. With it the System ID comes at once." error={problem?.field("machine_id")} />
					</div>
					<details>
						<summary>More about the server</summary>
						<div class="fields">
							<Text label="Full name (FQDN)" {...field("fqdn")} error={problem?.field("fqdn")} />
							<Text label="Product UUID" {...field("product_uuid")} error={problem?.field("product_uuid")} />
							<Text label="Distribution" {...field("distribution")} placeholder="debian" error={problem?.field("distribution")} />
							<Text label="Release" {...field("release")} placeholder="12" error={problem?.field("release")} />
							<Text label="Architecture" {...field("arch")} placeholder="x86_64" error={problem?.field("arch")} />
							<Area label="Addresses" rows={2} value={addresses} set={setAddresses} hint="IP and MAC addresses, one a line." error={problem?.field("addresses")} />
						</div>
					</details>
				</>
			)}
		</FormDialog>
	);
}
