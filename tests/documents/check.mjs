// SPDX-License-Identifier: Apache-2.0
// Documents for others, read as others read them: CSAF by the BSI's validator with all mandatory tests of the standard, OpenVEX by the rules of
// its specification (openvex.schema.json), which has no validator of its own for us.
//
//   node check.mjs csaf|openvex FILE...
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

async function csafRules() {
	const lib = "@secvisogram/csaf-validator-lib";
	const { csaf_2_0_strict } = await import(`${lib}/schemaTests.js`);
	const mandatory = await import(`${lib}/mandatoryTests.js`);
	const optional = await import(`${lib}/optionalTests.js`);
	const { default: validate } = await import(`${lib}/validate.js`);
	// Informative tests are left out: they want a spelling checker and the network. Of the optional ones, those of 6.2.2 (a remedy for what is
	// investigated: there is none yet), 6.2.3 (scores: the console keeps none), 6.2.11 (an address where it is published: it is not) and 6.2.13
	// (the order of members).
	const not = new Set(["optionalTest_6_2_2", "optionalTest_6_2_3", "optionalTest_6_2_11", "optionalTest_6_2_13"]);
	const tests = [csaf_2_0_strict, ...Object.values(mandatory), ...Object.values(optional).filter((t) => /^optionalTest_/.test(t.name) && !not.has(t.name))];
	return async (document) => {
		const said = await validate(tests, document);
		return said.tests.flatMap((t) => [...t.errors, ...t.warnings].map((e) => `${t.name} ${e.instancePath || "/"}: ${e.message}`));
	};
}

async function openvexRules() {
	const { default: Ajv } = await import("ajv/dist/2020.js");
	const { default: formats } = await import("ajv-formats");
	const ajv = new Ajv({ allErrors: true });
	formats(ajv);
	const valid = ajv.compile(JSON.parse(readFileSync(join(here, "openvex.schema.json"), "utf8")));
	return async (document) => {
		const problems = valid(document) ? [] : valid.errors.map((e) => `${e.instancePath || "/"}: ${e.message}`);
		// What a schema cannot say: a product has one status for one vulnerability.
		const seen = new Set();
		for (const [i, s] of (document.statements ?? []).entries())
			for (const p of s.products ?? []) {
				const of = JSON.stringify([s.vulnerability?.name, p["@id"]]);
				if (seen.has(of)) problems.push(`/statements/${i}: said before of ${of}`);
				seen.add(of);
			}
		return problems;
	};
}

const [kind, ...files] = process.argv.slice(2);
const rules = { csaf: csafRules, openvex: openvexRules }[kind];
if (!rules || !files.length) {
	console.error("usage: node check.mjs csaf|openvex FILE...");
	process.exit(64);
}
const check = await rules();
let wrong = 0;
for (const file of files) {
	const problems = await check(JSON.parse(readFileSync(file, "utf8")));
	for (const p of problems.slice(0, 20)) console.log(`${file}: ${p}`);
	wrong += problems.length;
}
process.exit(wrong ? 1 : 0);
