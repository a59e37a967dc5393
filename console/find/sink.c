// SPDX-License-Identifier: Apache-2.0
#include "find/sink.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "find/keep.h"
#include "fleet/host.h"
#include "live/live.h"

/* Others want to write, too. */
static const double tx_s = 0.15, touch_s = 5;

int sink_init(struct sink *k, struct console *c, struct sut_db *db, const struct scan_row *s,
	      int64_t now, struct sut_err *err)
{
	*k = (struct sink){.c = c, .db = db, .scan = s};
	k->q = (struct web_req){.server = &c->s, .db = db, .now = now, .body_fd = -1};
	k->q.who.tenant = s->tenant;
	return intern_new(s->tenant, &k->in, err);
}

static void forget_host(struct sink *k)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(k->texts); i++) {
		free(k->texts[i]);
		k->texts[i] = NULL;
	}
	sut_strv_release(&k->addresses);
	sut_strv_release(&k->macs);
	k->addresses = k->macs = (struct sut_strv){0};
	k->host = (struct sut_scan_host){0};
	k->set.n = 0;
	k->open = false;
}

void sink_release(struct sink *k)
{
	if (k->tx)
		sut_db_rollback(k->db);
	forget_host(k);
	find_set_release(&k->set);
	intern_free(k->in);
}

static int copy(struct sink *k, size_t at, const char *from, const char **to)
{
	k->texts[at] = from ? strdup(from) : NULL;
	*to = k->texts[at];
	return from && !*to ? -ENOMEM : 0;
}

int sink_host(void *ctx, const struct sut_scan_host *h, struct sut_err *err)
{
	struct sink *k = ctx;
	int r;

	forget_host(k);
	r = copy(k, 0, h->system_id, &k->host.system_id) ||
	    copy(k, 1, h->machine_id, &k->host.machine_id) || copy(k, 2, h->fqdn, &k->host.fqdn) ||
	    copy(k, 3, h->hostname, &k->host.hostname) || copy(k, 4, h->os, &k->host.os) ||
	    copy(k, 5, h->kernel, &k->host.kernel);
	for (size_t i = 0; !r && i < h->naddresses; i++)
		r = sut_strv_add(&k->addresses, h->addresses[i]);
	for (size_t i = 0; !r && i < h->nmacs; i++)
		r = sut_strv_add(&k->macs, h->macs[i]);
	k->host.scanned_at = h->scanned_at;
	k->open = true;
	return r ? sut_err_oom(err) : 0;
}

int sink_finding(void *ctx, const struct sut_scan_finding *f, struct sut_err *err)
{
	struct sink *k = ctx;
	struct find_rec rec = {.flags = (uint32_t)f->severity & FIND_SEVERITY};
	bool by_cve = f->ncves == 1 && sut_streq(f->native_id, f->cves[0]);
	int r = 0;

	if (f->flags & SUT_SCAN_NOT_RUNNING)
		rec.flags |= FIND_NOT_RUNNING;
	if (!f->ncves)
		return 0;
	if (f->package && *f->package)
		r = intern_package(k->in, f->package, f->version, &rec.package, err);
	/* Scanners that know nothing but CVEs have no findings of their own. */
	if (r == 0 && f->native_id && *f->native_id && !by_cve)
		r = intern_native(k->in, f->native_id, f->title, &rec.native, err);
	for (size_t i = 0; r == 0 && i < f->ncves; i++) {
		r = intern_cve(k->in, f->cves[i], &rec.cve, err);
		if (r < 0)
			return r;
		/* The same again in another order is no more than before. */
		if (k->set.n == FIND_SET_MAX)
			find_set_settle(&k->set);
		r = find_set_add(&k->set, &rec);
		if (r == -EFBIG)
			return sut_err_reason(err, EFBIG, "scan",
					      "one host has more than %d findings. Split the file",
					      FIND_SET_MAX);
		if (r < 0)
			return sut_err_oom(err);
	}
	return r;
}

/* --- writing --- */

static int begin(struct sink *k, struct sut_err *err)
{
	int r;

	if (k->tx)
		return 0;
	r = sut_db_begin(k->db, SUT_DB_WRITE, err);
	k->tx = r == 0;
	k->tx_begun = sut_now_s();
	return r;
}

static int progress(struct sink *k, struct sut_err *err)
{
	static const char sql[] = "UPDATE scans SET done_bytes = $2, hosts = $3, findings = $4,"
				  " unmatched = $5 WHERE id = $1 RETURNING cancel";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(k->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(k->scan->id), SUT_DB_I((int64_t)k->done_bytes),
				       SUT_DB_I(k->hosts), SUT_DB_I(k->findings),
				       SUT_DB_I(k->unmatched)),
			   &row, err);

	if (r < 0)
		return r;
	if (r == 0 || sut_db_int(row, 0))
		return sut_err_reason(err, ECANCELED, "deleted", "the scan was deleted");
	return 0;
}

int sink_breathe(struct sink *k, bool now, struct sut_err *err)
{
	double t = sut_now_s();
	int r;

	if (atomic_load(&k->c->s.stopping))
		return sut_err_reason(err, ECANCELED, "stopping", "the console ends");
	if (!now && t - k->tx_begun < (k->tx ? tx_s : 1))
		return 0;
	r = begin(k, err);
	if (r == 0)
		r = progress(k, err);
	if (r == 0 && (t - k->touched_at > touch_s || now)) {
		r = live_tell(k->db, k->scan->tenant, k->q.now, "scan", k->scan->uid, err);
		if (r == 0 && k->touched)
			r = web_touch(&k->q, err);
		k->touched = false;
		k->touched_at = t;
	}
	if (r == 0) {
		k->tx = false;
		k->tx_begun = t;
		r = sut_db_commit(k->db, err);
	}
	return r;
}

/* Places become row ids. */
static int resolve(struct sink *k, struct find_set *to, struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->set.n; i++) {
		const struct find_rec *p = &k->set.v[i];
		struct find_rec rec = {.flags = p->flags};

		r = intern_cve_id(k->in, k->db, p->cve, &rec.cve, err);
		if (r == 0)
			r = intern_native_id(k->in, k->db, p->native, &rec.native, err);
		if (r == 0)
			r = intern_package_id(k->in, k->db, p->package, &rec.package, err);
		if (r == 0 && find_set_add(to, &rec) < 0)
			r = sut_err_oom(err);
	}
	find_set_settle(to);
	return r;
}

/* 1: the portal knows it. */
static int is_system(struct sink *k, int64_t host, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(k->db, "SELECT system_id FROM hosts WHERE tenant = $1 AND id = $2",
			   SUT_DB_ARGS(SUT_DB_I(k->scan->tenant), SUT_DB_I(host)), &row, err);

	return r > 0 ? !sut_db_is_null(row, 0) : r;
}

int sink_write(struct sink *k, int64_t host, const char *name, const char *matched_by,
	       struct sut_err *err)
{
	_cleanup_find_set_ struct find_set set = {0};
	_cleanup_(sut_freep) char *text = NULL;
	int64_t at = k->host.scanned_at ? k->host.scanned_at
		     : k->scanned_at	? k->scanned_at
					: k->scan->created;
	struct keep keep = {
		.tenant = k->scan->tenant,
		.host = host,
		.scan = k->scan->id,
		.family = k->family,
		.tool = k->tool[0] ? k->tool : k->family,
		.name = name ? name : "",
		.matched_by = matched_by,
		/* A clock that is ahead does not make a scan newer than what comes next. */
		.scanned_at = at > k->q.now ? k->q.now : at,
	};
	size_t n = 0;
	int r = begin(k, err);

	if (r == 0)
		r = resolve(k, &set, err);
	if (r == 0)
		r = keep_findings(k->db, &keep, &set, &n, err);
	if (r == 0) {
		text = sut_sprintf("%s found %zu", keep.tool, n);
		r = text ? host_event(k->db, keep.tenant, host, k->q.now, "scan", text,
				      json_pack("{s:s, s:I}", "scan", k->scan->uid, "findings",
						(json_int_t)n),
				      err)
			 : sut_err_oom(err);
	}
	if (r == 0)
		r = is_system(k, host, err);
	if (r < 0)
		return r;
	k->unmatched += r == 0;
	k->hosts++;
	k->findings += (int64_t)k->set.n;
	k->touched = true;
	return 0;
}

static int find_host(struct sink *k, int64_t *ret, const char **ret_by, struct sut_err *err)
{
	const struct sut_scan_host *h = &k->host;
	struct host_scan s = {
		.facts = {.system_id = h->system_id,
			  .machine_id = h->machine_id,
			  .fqdn = h->fqdn,
			  .hostname = h->hostname,
			  .macs = (const char *const *)k->macs.v,
			  .nmacs = k->macs.n,
			  .addresses = (const char *const *)k->addresses.v,
			  .naddresses = k->addresses.n},
		.os = h->os,
		.kernel_release = h->kernel,
	};
	int r;

	if (!h->machine_id || !sut_startswith(h->machine_id, SINK_DIRECT))
		return host_of_scan(&k->q, &s, ret, ret_by, err);
	r = host_find(k->db, k->scan->tenant, h->machine_id + strlen(SINK_DIRECT), ret, err);
	if (r == 0)
		return sut_err_reason(err, EBADMSG, "scan",
				      "the system that the file was said to be of is gone");
	*ret_by = "asked";
	return r < 0 ? r : 0;
}

int sink_host_end(void *ctx, struct sut_err *err)
{
	struct sink *k = ctx;
	const struct sut_scan_host *h = &k->host;
	const char *name, *by = "";
	int64_t host = 0;
	int r;

	if (!k->open)
		return 0;
	name = h->fqdn		? h->fqdn
	       : h->hostname	? h->hostname
	       : k->addresses.n ? k->addresses.v[0]
				: h->system_id;
	find_set_settle(&k->set);
	r = begin(k, err);
	if (r == 0)
		r = find_host(k, &host, &by, err);
	if (r == 0)
		r = sink_write(k, host, name, by, err);
	if (r < 0)
		return r;
	forget_host(k);
	return sink_breathe(k, false, err);
}
