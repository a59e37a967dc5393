// SPDX-License-Identifier: Apache-2.0
/*
 * OpenVEX names products by package, and has no word for "on this host" or "until": both stand in status_notes of every
 * statement, as in the document that an agent makes of itself (agent/truth/vex.c).
 */
#include "export/openvex.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/str.h"

struct document {
	const struct export_host *h;
	const struct export_by *by;
	const char *scope;
};

static json_t *product(const struct export_host *h, const struct export_product *p)
{
	_cleanup_buf_ struct sut_buf purl = SUT_BUF_INIT(SUT_PURL_MAX),
				     urn = SUT_BUF_INIT(EXPORT_URN_MAX);

	if (export_purl(h, p, &purl))
		return json_pack("{s:s, s:{s:s}}", "@id", sut_buf_str(&purl), "identifiers", "purl",
				 sut_buf_str(&purl));
	return export_urn(h, p, &urn) < 0 ? NULL : json_pack("{s:s}", "@id", sut_buf_str(&urn));
}

static json_t *statement(const struct document *d, const struct export_claims *c,
			 const struct export_claim *claim)
{
	static const char *const words[EXPORT_STATUSES] = {
		[EXPORT_FIXED] = "fixed",
		[EXPORT_AFFECTED] = "affected",
		[EXPORT_NOT_AFFECTED] = "not_affected",
		[EXPORT_INVESTIGATED] = "under_investigation",
	};
	const struct verdict_answer *a = &claim->finding->answer;
	enum export_status is = export_status_of(a);
	char reason[EXPORT_TEXT_MAX];
	_cleanup_(sut_freep) char *notes = NULL;
	json_t *j;

	export_reason(a, reason);
	notes = sut_sprintf("%s %s", reason, d->scope);
	j = notes ? json_pack("{s:{s:s}, s:[o], s:s, s:s}", "vulnerability", "name", claim->cve,
			      "products", product(d->h, &c->products[claim->product]), "status",
			      words[is], "status_notes", notes)
		  : NULL;
	if (is == EXPORT_AFFECTED) {
		export_action(a, reason);
		if (json_object_set_new(j, "action_statement", json_string(reason)) < 0)
			goto oom;
	}
	if (is == EXPORT_NOT_AFFECTED &&
	    (json_object_set_new(j, "justification", json_string(export_justification(a))) < 0 ||
	     json_object_set_new(j, "impact_statement", json_string(reason)) < 0))
		goto oom;
	return j;
oom:
	json_decref(j);
	return NULL;
}

static json_t *statements(const struct document *d, const struct export_claims *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		if (json_array_append_new(list, statement(d, c, &c->v[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int export_openvex(const struct export_host *h, const struct export_finding *v, size_t n,
		   const struct export_by *by, json_t **ret, struct sut_err *err)
{
	_cleanup_claims_ struct export_claims c = {0};
	_cleanup_(sut_freep) char *scope = export_scope(h, by->now), *id = NULL;
	const struct document d = {h, by, scope};
	char at[EXPORT_TIME_MAX], stamp[EXPORT_TIME_MAX];
	json_t *j;
	int r;

	if (!n)
		return sut_err_reason(err, ENODATA, "nothing-to-say",
				      "no scan has findings of this host, and an OpenVEX document "
				      "cannot be empty: import a scan first");
	r = export_claims_make(h, v, n, &c, err);
	if (r < 0)
		return r;
	export_time(by->now, at);
	export_stamp(by->now, stamp);
	id = sut_sprintf("urn:suture:openvex:%s:%s", h->uid, stamp);
	if (!scope || !id)
		return sut_err_oom(err);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "@context",
		      "https://openvex.dev/ns/v0.2.0", "@id", id, "author", by->name, "role",
		      "Operator of the host that it speaks of", "timestamp", at, "last_updated", at,
		      "version", 1, "tooling", "suture-console " SUTURE_VERSION, "statements",
		      statements(&d, &c));
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}
