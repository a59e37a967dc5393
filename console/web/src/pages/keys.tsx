// SPDX-License-Identifier: Apache-2.0
// Keys for live patching, and servers that are on their way in.
import { useState } from "preact/hooks";
import { part, post } from "../api/client";
import { useMay } from "../api/session";
import type { Key } from "../api/types";
import { count, stamp } from "../lib/format";
import { usePlace } from "../lib/url";
import { CopyBox } from "../parts/copy";
import { Confirm, Dialog, FormDialog } from "../parts/dialog";
import { Choices, Select, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { Page } from "../parts/page";
import { Badge, Empty, When } from "../parts/small";
import { ListCard, type Listed, useList } from "../parts/list";
import { Tabs } from "../parts/tabs";
import { said } from "../parts/toast";
import { AddServer, Enrolments } from "./enrolments";

export function KeysPage() {
	const { query } = usePlace();
	const enrol = query.get("tab") === "enrolments";
	const manager = useMay("key-manager");
	const keys = useList<Key>("/v1/keys", [], ["portal"]);
	const [dialog, setDialog] = useState<"key" | "server" | null>(null);
	const [turn, setTurn] = useState(0);
	const none = keys.rows?.length === 0;
	return (
		<Page
			title="Keys and enrolment"
			note="A key lets servers register for live patching. Add a server, paste one command on it, and it is known to the portal and here."
			actions={
				manager ? (
					<>
						<button type="button" class={none || !enrol ? "button primary" : "button"} onClick={() => setDialog("key")}>
							<Icon name="plus" /> New key
						</button>
						<button type="button" class={enrol && !none ? "button primary" : "button"} onClick={() => setDialog("server")}>
							<Icon name="systems" /> Add a server
						</button>
					</>
				) : null
			}
		>
			<Tabs
				label="Keys and enrolment"
				tabs={[
					["keys", "Keys"],
					["enrolments", "Servers on their way"],
				]}
			/>
			{enrol ? <Enrolments key={turn} add={manager ? () => setDialog("server") : undefined} /> : <Keys list={keys} manager={manager} make={() => setDialog("key")} />}
			{dialog === "key" ? (
				<NewKey
					close={() => {
						setDialog(null);
						keys.reload();
					}}
				/>
			) : null}
			{dialog === "server" ? (
				<AddServer
					close={() => {
						setDialog(null);
						setTurn((n) => n + 1);
					}}
				/>
			) : null}
		</Page>
	);
}

const stateOf = (k: Key): [string, "good" | "bad" | "warn"] =>
	k.revoked ? ["Revoked", "bad"] : k.expires && stamp(k.expires) < Date.now() ? ["Expired", "warn"] : ["Active", "good"];

function Keys({ list, manager, make }: { list: Listed<Key>; manager: boolean; make: () => void }) {
	const [revoking, setRevoking] = useState<Key | null>(null);
	return (
		<>
			<ListCard
				list={list}
				one="key"
				caption="Keys"
				rowKey={(k) => k.id}
				columns={[
					{
						key: "note",
						title: "Key",
						grow: true,
						cell: (k) => (
							<>
								<span class="cell-main">{k.note || "no note"}</span>
								<span class="cell-sub mono">{k.hint || k.id}</span>
							</>
						),
					},
					{ key: "kind", title: "Kind", cell: (k) => (k.kind === "customer" ? "Customer ID" : "Random") },
					{
						key: "state",
						title: "State",
						cell: (k) => {
							const [word, tone] = stateOf(k);
							return <Badge tone={tone}>{word}</Badge>;
						},
					},
					{ key: "systems", title: "Systems", number: true, cell: (k) => `${count(k.systems ?? 0)}${k.max_systems ? ` of ${count(k.max_systems)}` : ""}` },
					{ key: "feed", title: "Feed", cell: (k) => k.feed || "–" },
					{ key: "created", title: "Made", cell: (k) => <When at={k.created} /> },
					{ key: "expires", title: "Expires", cell: (k) => <When at={k.expires} none="never" /> },
					...(manager
						? [
								{
									key: "do",
									title: "",
									actions: true,
									cell: (k: Key) =>
										k.revoked ? null : (
											<button type="button" class="button small" onClick={() => setRevoking(k)}>
												Revoke<span class="sr"> the key {k.note || k.hint}</span>
											</button>
										),
								},
							]
						: []),
				]}
				empty={
					<Empty
						icon="keys"
						title="No keys yet"
						action={
							manager ? (
								<button type="button" class="button primary" onClick={make}>
									New key
								</button>
							) : undefined
						}
					>
						The first step: servers register with a key. It is made at the portal and kept here, sealed.
					</Empty>
				}
			/>
			{revoking ? (
				<Confirm
					title="Revoke this key?"
					action="Revoke"
					onClose={() => setRevoking(null)}
					run={async () => {
						await post(`/v1/keys/${part(revoking.id)}/revoke`);
						said("The key is revoked.");
						list.reload();
					}}
				>
					<p>
						No server registers with <strong>{revoking.note || revoking.hint}</strong> any more. Those that did go on as before.
					</p>
				</Confirm>
			) : null}
		</>
	);
}

function NewKey({ close }: { close: () => void }) {
	const [kind, setKind] = useState<"random" | "customer">("random");
	const [note, setNote] = useState("");
	const [customer, setCustomer] = useState("");
	const [max, setMax] = useState("");
	const [limit, setLimit] = useState<"advisory" | "hard">("advisory");
	const [feed, setFeed] = useState("");
	const [days, setDays] = useState("");
	const [products, setProducts] = useState<string[]>(["kernel", "library"]);
	const [made, setMade] = useState<Key | null>(null);
	if (made)
		return (
			<Dialog title="The key is made" onClose={close}>
				<div class="dialog-body">
					{made.key ? (
						<>
							<p class="notice tone-info">
								<span class="notice-body">This key is shown once. The console keeps it sealed, so that it can add servers with it.</span>
							</p>
							<CopyBox label="Registration key" text={made.key} />
						</>
					) : null}
					{made.install_command ? <CopyBox label="Paste this on each server, as root" text={made.install_command} /> : null}
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
			title="New key"
			action="Make the key"
			onClose={close}
			disabled={products.length === 0 || (kind === "customer" && customer.trim() === "")}
			send={async () => {
				const body: Record<string, unknown> = { kind, note: note.trim(), products, limit_kind: limit };
				if (kind === "customer") body.customer_id = customer.trim();
				if (Number.parseInt(max, 10) > 0) body.max_systems = Number.parseInt(max, 10);
				if (feed.trim()) body.feed = feed.trim();
				const d = Number.parseInt(days, 10);
				if (d > 0) body.expires = new Date(Date.now() + d * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
				setMade(await post<Key>("/v1/keys", body));
			}}
		>
			{(problem) => (
				<div class="fields">
					<div class="full">
						<Text label="Note" value={note} set={setNote} placeholder="web servers, eu-1" maxLength={200} error={problem?.field("note")} />
					</div>
					<Select
						label="Kind"
						value={kind}
						set={(v) => setKind(v as "random" | "customer")}
						options={[
							["random", "Random key"],
							["customer", "Customer ID"],
						]}
					/>
					{kind === "customer" ? (
						<Text label="Customer ID" value={customer} set={setCustomer} required maxLength={63} hint="Servers register with this name." error={problem?.field("customer_id")} />
					) : (
						<Text label="Feed" value={feed} set={setFeed} placeholder="as the portal has it" maxLength={63} error={problem?.field("feed")} />
					)}
					<Text label="Systems at most" type="number" min={1} value={max} set={setMax} placeholder="any number" error={problem?.field("max_systems")} />
					<Select
						label="Beyond that"
						value={limit}
						set={(v) => setLimit(v as "advisory" | "hard")}
						options={[
							["advisory", "Tell, and let them in"],
							["hard", "Refuse them"],
						]}
					/>
					<Text label="Expires after, days" type="number" min={1} value={days} set={setDays} placeholder="never" error={problem?.field("expires")} />
					<Choices
						label="For"
						value={products}
						set={setProducts}
						options={[
							["kernel", "Kernel"],
							["library", "Libraries"],
						]}
					/>
				</div>
			)}
		</FormDialog>
	);
}
