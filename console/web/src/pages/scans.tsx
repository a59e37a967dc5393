// SPDX-License-Identifier: Apache-2.0
// Scans: drop a file, or have the console look itself.
import { useRef, useState } from "preact/hooks";
import { del, part, post, upload, withQuery } from "../api/client";
import { type Problem, asProblem } from "../api/problem";
import { useMay } from "../api/session";
import type { Scan } from "../api/types";
import { count, size } from "../lib/format";
import { FormDialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Select, Text } from "../parts/fields";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { Page } from "../parts/page";
import { Badge, Dash, Empty, Progress, When } from "../parts/small";
import { ListCard, useList } from "../parts/list";
import { failed, said } from "../parts/toast";

export const formats: readonly (readonly [string, string])[] = [
	["", "Found out by itself"],
	["oval", "OVAL results"],
	["arf", "ARF (OpenSCAP)"],
	["trivy", "Trivy JSON"],
	["grype", "Grype JSON"],
	["debsecan", "debsecan"],
	["nessus", "Nessus v2"],
	["csv", "CSV"],
];

export const scanTone = { waiting: "quiet", running: "info", done: "good", failed: "bad" } as const;

/** Of a file that could not be read nothing counts: a zero would sound as if there were nothing in it. */
const read = (s: Scan, n: number | null | undefined) => (s.state === "failed" ? <Dash /> : count(n));

export function ScansPage() {
	const list = useList<Scan>("/v1/scans", [], ["scan"]);
	const operator = useMay("operator");
	const [asking, setAsking] = useState<File[] | null>(null);
	const builtin = async (): Promise<void> => {
		try {
			await post<Scan>("/v1/scans/builtin", {});
			said("The console looks through the package lists of all systems.");
			list.reload();
		} catch (e) {
			failed(e);
		}
	};
	return (
		<Page
			title="Scans"
			actions={
				operator ? (
					<button type="button" class="button" onClick={() => void builtin()}>
						<Icon name="scans" /> Built-in scan of all systems
					</button>
				) : null
			}
		>
			{operator ? <Drop take={setAsking} /> : null}
			<ListCard
				title="Imported"
				list={list}
				one="scan"
				caption="Scans"
				rowKey={(s) => s.id}
				columns={[
					{
						key: "name",
						title: "Scan",
						grow: true,
						cell: (s) => (
							<>
								<Link class="cell-main" to={`/scans/${part(s.id)}`}>
									{s.name || s.tool || s.format || "Scan"}
								</Link>
								<span class="cell-sub">{[s.format, s.tool, s.bytes ? size(s.bytes) : ""].filter(Boolean).join(" · ")}</span>
								{s.state === "failed" && s.error ? <ScanError of={s.error} /> : null}
							</>
						),
					},
					{
						key: "state",
						title: "State",
						cell: (s) => (
							<>
								<Badge tone={scanTone[s.state] ?? "quiet"}>{s.state}</Badge>
								{s.state === "running" && s.bytes ? <Progress value={s.done_bytes ?? 0} max={s.bytes} label="Read so far" /> : null}
							</>
						),
					},
					{ key: "hosts", title: "Hosts", number: true, cell: (s) => read(s, s.hosts) },
					{ key: "findings", title: "Findings", number: true, cell: (s) => read(s, s.findings) },
					{ key: "cves", title: "CVEs on them", number: true, cell: (s) => read(s, s.cves) },
					{ key: "unmatched", title: "New hosts", number: true, minor: true, cell: (s) => read(s, s.unmatched) },
					{
						key: "created",
						title: "Imported",
						cell: (s) => (
							<>
								<When at={s.created} />
								{s.by ? <span class="cell-sub">by {s.by}</span> : null}
							</>
						),
					},
				]}
				empty={
					<Empty icon="scans" title="No scans yet">
						{operator
							? "Drop a file of OpenSCAP, Trivy, Grype, debsecan or Nessus above, or have the console compare the systems’ packages with the CVE data itself."
							: "An operator imports them here, by the API, or with suture-console import."}
					</Empty>
				}
			/>
			{asking ? (
				<UploadDialog
					files={asking}
					close={() => {
						setAsking(null);
						list.reload();
					}}
				/>
			) : null}
		</Page>
	);
}

export function ScanError({ of }: { of: NonNullable<Scan["error"]> }) {
	return (
		<p class="field-error">
			{of.line && !/\bline \d/i.test(of.detail) ? `Line ${count(of.line)}: ` : ""}
			{of.detail}
		</p>
	);
}

function Drop({ take }: { take: (f: File[]) => void }) {
	const [over, setOver] = useState(false);
	const input = useRef<HTMLInputElement>(null);
	return (
		<div
			class={over ? "drop over" : "drop"}
			onDragOver={(e) => {
				e.preventDefault();
				setOver(true);
			}}
			onDragLeave={() => setOver(false)}
			onDrop={(e) => {
				e.preventDefault();
				setOver(false);
				const files = [...(e.dataTransfer?.files ?? [])];
				if (files.length > 0) take(files);
			}}
		>
			<Icon name="upload" size={24} />
			<p>
				<strong>Drop scan files here</strong>, or{" "}
				<button type="button" class="button small" onClick={() => input.current?.click()}>
					Choose files
				</button>
			</p>
			<p class="hint">OpenSCAP OVAL and ARF, Trivy, Grype, debsecan, Nessus v2, CSV; plain or gzip, up to 2 GiB.</p>
			<input
				ref={input}
				class="sr"
				type="file"
				multiple
				tabIndex={-1}
				aria-label="Scan files"
				onChange={(e) => {
					const files = [...(e.currentTarget.files ?? [])];
					e.currentTarget.value = "";
					if (files.length > 0) take(files);
				}}
			/>
		</div>
	);
}

function UploadDialog({ files, close }: { files: File[]; close: () => void }) {
	const [format, setFormat] = useState("");
	const [system, setSystem] = useState("");
	const [at, setAt] = useState<{ file: number; sent: number; total: number } | null>(null);
	const [problem, setProblem] = useState<Problem>();
	const [done, setDone] = useState(0);
	const send = async (): Promise<void> => {
		setProblem(undefined);
		for (let i = done; i < files.length; i++) {
			const file = files[i] as File;
			setAt({ file: i, sent: 0, total: file.size });
			try {
				await upload<Scan>(withQuery("/v1/scans", { format, name: file.name, system: system.trim() }), file, (sent, total) => setAt({ file: i, sent, total }));
			} catch (e) {
				setAt(null);
				setDone(i);
				setProblem(asProblem(e));
				return;
			}
		}
		said(files.length === 1 ? "The scan is being read." : `${files.length} scans are being read.`);
		close();
	};
	return (
		<FormDialog title={files.length === 1 ? "Import a scan" : `Import ${files.length} scans`} action="Import" onClose={close} send={send}>
			<ul class="prose">
				{files.map((f, i) => (
					<li key={`${f.name}${i}`} class="row">
						<span class="mono">{f.name}</span> <span class="muted">{size(f.size)}</span>
						{at?.file === i ? <Progress value={at.sent} max={at.total} label={`Sent of ${f.name}`} /> : null}
						{at && at.file === i ? (
							<span class="small muted">
								{size(at.sent)} of {size(at.total)} sent
							</span>
						) : null}
					</li>
				))}
			</ul>
			<Select label="Format" value={format} set={setFormat} options={formats} />
			<Text label="System" hint="Only for files that do not name their host, as those of debsecan: its name, System ID or address." value={system} set={setSystem} maxLength={255} error={problem?.field("system")} />
			{problem ? <Failure problem={problem} title={`${files[done]?.name ?? "The file"} was not taken`} /> : null}
		</FormDialog>
	);
}

export async function forgetScan(id: string): Promise<void> {
	await del(`/v1/scans/${part(id)}`);
}
