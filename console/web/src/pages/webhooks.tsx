// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { del, part, patch, post } from "../api/client";
import { useMay } from "../api/session";
import type { Delivery, Webhook } from "../api/types";
import { CopyBox } from "../parts/copy";
import { Confirm, Dialog, FormDialog } from "../parts/dialog";
import { Area, Check, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { lines } from "../parts/job-dialog";
import { ListCard, ListPage, useList } from "../parts/list";
import { Badge, Empty, Tags, When } from "../parts/small";
import { failed, said } from "../parts/toast";

type Doing = { what: "new" } | { what: "edit" | "delete" | "log"; hook: Webhook } | null;

export function WebhooksPage() {
	const operator = useMay("operator");
	const list = useList<Webhook>("/v1/webhooks", []);
	const [doing, setDoing] = useState<Doing>(null);
	const close = (): void => {
		setDoing(null);
		list.reload();
	};
	const test = async (h: Webhook): Promise<void> => {
		try {
			await post(`/v1/webhooks/${part(h.id)}/test`);
			said("A test event is on its way. See what came of it under Deliveries.");
		} catch (e) {
			failed(e);
		}
	};
	return (
		<ListPage
			heading="Webhooks"
			note="The console tells other programs what happens, signed so that they can check it."
			actions={
				operator ? (
					<button type="button" class="button primary" onClick={() => setDoing({ what: "new" })}>
						<Icon name="plus" /> New webhook
					</button>
				) : null
			}
			list={list}
			one="webhook"
			caption="Webhooks"
			rowKey={(h) => h.id}
			columns={[
				{
					key: "url",
					title: "To",
					grow: true,
					cell: (h) => (
						<>
							<span class="cell-main">{h.url}</span>
							<span class="cell-sub">{h.note}</span>
						</>
					),
				},
				{ key: "events", title: "Events", cell: (h) => <Tags of={h.events.map((e) => (e === "*" ? "all" : e))} /> },
				{
					key: "state",
					title: "State",
					cell: (h) =>
						!h.active ? (
							<Badge tone="quiet">Off</Badge>
						) : h.failing_since ? (
							<>
								<Badge tone="bad">Failing</Badge>
								<span class="cell-sub">
									since <When at={h.failing_since} />
								</span>
							</>
						) : (
							<Badge tone="good">Active</Badge>
						),
				},
				{
					key: "do",
					title: "",
					actions: true,
					cell: (h) => (
						<span class="row">
							<button type="button" class="button small" onClick={() => setDoing({ what: "log", hook: h })}>
								Deliveries<span class="sr"> to {h.url}</span>
							</button>
							{operator ? (
								<>
									<button type="button" class="button small" onClick={() => void test(h)}>
										Test<span class="sr"> {h.url}</span>
									</button>
									<button type="button" class="button small" onClick={() => setDoing({ what: "edit", hook: h })}>
										Change<span class="sr"> {h.url}</span>
									</button>
									<button type="button" class="button small" onClick={() => setDoing({ what: "delete", hook: h })}>
										Delete<span class="sr"> {h.url}</span>
									</button>
								</>
							) : null}
						</span>
					),
				},
			]}
			empty={
				<Empty
					icon="webhooks"
					title="No webhooks"
					action={
						operator ? (
							<button type="button" class="button primary" onClick={() => setDoing({ what: "new" })}>
								New webhook
							</button>
						) : undefined
					}
				>
					Have a chat, a ticket system or a SIEM told when a job ends or a system falls silent.
				</Empty>
			}
		>
			{doing?.what === "new" ? <Edit close={close} /> : null}
			{doing?.what === "edit" ? <Edit hook={doing.hook} close={close} /> : null}
			{doing?.what === "log" ? <Deliveries hook={doing.hook} close={close} /> : null}
			{doing?.what === "delete" ? (
				<Confirm
					title="Delete this webhook?"
					action="Delete"
					onClose={close}
					run={async () => {
						await del(`/v1/webhooks/${part(doing.hook.id)}`, { version: doing.hook.version });
						said("The webhook is deleted.");
					}}
				>
					<p>
						Nothing is sent to <strong>{doing.hook.url}</strong> any more.
					</p>
				</Confirm>
			) : null}
		</ListPage>
	);
}

function Edit({ hook, close }: { hook?: Webhook; close: () => void }) {
	const [url, setUrl] = useState(hook?.url ?? "");
	const [events, setEvents] = useState((hook?.events ?? ["*"]).join("\n"));
	const [note, setNote] = useState(hook?.note ?? "");
	const [active, setActive] = useState(hook?.active ?? true);
	const [made, setMade] = useState<Webhook | null>(null);
	if (made?.secret)
		return (
			<Dialog title="The webhook is made" onClose={close}>
				<div class="dialog-body">
					<p>The receiver verifies what comes with this secret. It is shown once.</p>
					<CopyBox label="Secret" text={made.secret} />
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
			title={hook ? "Change the webhook" : "New webhook"}
			action={hook ? "Save" : "Make the webhook"}
			onClose={close}
			disabled={url.trim() === ""}
			send={async () => {
				const body = { url: url.trim(), events: lines(events), note: note.trim(), active };
				if (hook) {
					await patch(`/v1/webhooks/${part(hook.id)}`, body, { version: hook.version });
					said("Saved.");
					close();
					return;
				}
				const { active: _, ...fresh } = body;
				const h = await post<Webhook>("/v1/webhooks", fresh);
				if (h.secret) setMade(h);
				else close();
			}}
		>
			{(problem) => (
				<>
					<Text label="Address" type="url" value={url} set={setUrl} required placeholder="https://hooks.example/suture" maxLength={2000} error={problem?.field("url")} />
					<Area label="Events" value={events} set={setEvents} rows={3} hint="Types of events, one a line; * is all of them." error={problem?.field("events")} />
					<Text label="Note" value={note} set={setNote} maxLength={200} error={problem?.field("note")} />
					{hook ? <Check label="Active" value={active} set={setActive} /> : null}
				</>
			)}
		</FormDialog>
	);
}

function Deliveries({ hook, close }: { hook: Webhook; close: () => void }) {
	const list = useList<Delivery>(`/v1/webhooks/${part(hook.id)}/deliveries`, []);
	return (
		<Dialog title="Deliveries" wide onClose={close}>
			<div class="dialog-body">
				<p class="muted">{hook.url}, the last two weeks, newest first.</p>
				<ListCard
					list={list}
					one="delivery"
					caption="Deliveries"
					rowKey={(d) => d.id}
					expect={4}
					columns={[
						{ key: "type", title: "Event", cell: (d) => <span class="mono">{d.type}</span> },
						{ key: "at", title: "When", cell: (d) => <When at={d.created} /> },
						{
							key: "state",
							title: "Outcome",
							cell: (d) =>
								d.delivered ? (
									<Badge tone="good">Taken</Badge>
								) : (
									<>
										<Badge tone={d.next_try ? "warn" : "bad"}>{d.next_try ? "Tried again" : "Given up"}</Badge>
										{d.next_try ? (
											<span class="cell-sub">
												<When at={d.next_try} />
											</span>
										) : null}
									</>
								),
						},
						{ key: "answer", title: "Answer", grow: true, cell: (d) => d.error || (d.status ? String(d.status) : "–") },
						{ key: "tries", title: "Tries", number: true, cell: (d) => String(d.attempts) },
					]}
					empty={
						<Empty icon="webhooks" title="Nothing was sent yet">
							Send a test event to see whether it arrives.
						</Empty>
					}
				/>
			</div>
		</Dialog>
	);
}
