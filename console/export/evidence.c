// SPDX-License-Identifier: Apache-2.0
#include "export/evidence.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "agent/request.h"
#include "base/str.h"
#include "console.h"
#include "crypto/minisign.h"
#include "export/evidence_text.h"
#include "job/key.h"
#include "json/parse.h"

enum { SUMS_MAX = 32 << 20, PATH_LEN = 256 };
#define VENDOR_FOLDER "repository"

struct pack {
	struct archive *a;
	struct sut_buf *out;
	struct sut_buf sums; /* "SHA256  NAME\n" of every file */
	bool full;
	int64_t now;
	const struct vendor *vendor;
	json_t *seen; /* {path: true} of keys and manifests that are in it */
	json_t *entries;
};

static la_ssize_t write_out(struct archive *a _unused_, void *ctx, const void *data, size_t len)
{
	struct pack *p = ctx;

	if (sut_buf_add(p->out, data, len) == 0)
		return (la_ssize_t)len;
	p->full = true;
	return -1;
}

static int failed(const struct pack *p, struct sut_err *err)
{
	if (p->full)
		return sut_err_set(err, ENOBUFS, "the archive is larger than %zu MiB",
				   p->out->max >> 20);
	return sut_err_set(err, EIO, "the archive cannot be written: %s",
			   p->a ? archive_error_string(p->a) : "no memory");
}

static int put(struct pack *p, const char *path, const void *data, size_t len, struct sut_err *err)
{
	struct archive_entry *e = archive_entry_new();
	char hash[SUT_SHA256_HEX];
	bool ok;

	if (!e)
		return sut_err_oom(err);
	archive_entry_set_pathname(e, path);
	archive_entry_set_size(e, (la_int64_t)len);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_mtime(e, p->now, 0);
	ok = archive_write_header(p->a, e) == ARCHIVE_OK &&
	     archive_write_data(p->a, data, len) == (la_ssize_t)len;
	archive_entry_free(e);
	if (!ok)
		return failed(p, err);
	sut_sha256_hex(data, len, hash);
	return sut_buf_addf(&p->sums, "%s  %s\n", hash, path) < 0 ? sut_err_oom(err) : 0;
}

static int put_text(struct pack *p, const char *path, const char *text, struct sut_err *err)
{
	return put(p, path, text, strlen(text), err);
}

/* True: it is the first of that path. */
static bool is_new(struct pack *p, const char *path)
{
	return !json_object_get(p->seen, path) &&
	       json_object_set_new(p->seen, path, json_true()) == 0;
}

static int put_pem(struct pack *p, const char *path, const uint8_t *raw, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *key = NULL;
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	int rc = sut_pubkey_from_ed25519(raw, &key, err);

	if (rc == 0)
		rc = sut_pubkey_pem(key, &pem, err);
	return rc == 0 ? put(p, path, pem.data, pem.len, err) : rc;
}

/* --- keys of the console: all there were --- */

static int put_console_key(struct pack *p, const struct sut_db_rows *row, struct sut_err *err)
{
	const char *id = sut_db_text(row, 0), *public = sut_db_text(row, 1);
	struct sut_minisign_pub pub;
	char path[PATH_LEN];
	int rc = sut_minisign_pub_parse(public, strlen(public), &pub, err);

	(void)snprintf(path, sizeof(path), "keys/console-%.16s.pub", id);
	if (rc == 0)
		rc = put_text(p, path, public, err);
	(void)snprintf(path, sizeof(path), "keys/console-%.16s.pem", id);
	return rc == 0 ? put_pem(p, path, pub.key, err) : rc;
}

static int console_keys(struct web_req *q, struct pack *p, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db,
			     "SELECT key_id, public FROM job_keys WHERE tenant = $1 ORDER BY id",
			     SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		k = put_console_key(p, rows, err);
	return k < 0 ? k : 0;
}

/* --- results and their manifests --- */

enum {
	R_JOB,
	R_TITLE,
	R_ACTION,
	R_DRY_RUN,
	R_CREATED_BY,
	R_HOSTNAME,
	R_SYSTEM_ID,
	R_RECEIVED,
	R_OUTCOME,
	R_JOB_KEY,
	R_ENVELOPE,
	R_DOCUMENT,
	R_NAME,
	R_SHA256,
	R_KEY_ID,
	R_MANIFEST,
};

static int put_system_key(struct pack *p, const struct sut_db_rows *row, char path[static PATH_LEN],
			  struct sut_err *err)
{
	uint8_t raw[SUT_ED25519_LEN];
	char id[SUT_DSSE_KEYID];

	if (agent_job_key(sut_db_text(row, R_JOB_KEY), raw) < 0)
		return sut_err_set(err, EIO, "the key of a stored result is damaged");
	sut_dsse_keyid(raw, id);
	(void)snprintf(path, PATH_LEN, "keys/system-%.16s-%.16s.pem", sut_db_text(row, R_SYSTEM_ID),
		       id);
	return is_new(p, path) ? put_pem(p, path, raw, err) : 0;
}

/* What changed: of the patch that the result names, its hash, and what the vendor signed that says the same. */
static json_t *patch_json(const struct pack *p, const json_t *doc)
{
	const json_t *patch = json_object_get(json_object_get(doc, "result"), "patch");
	const char *sha256 = json_string_value(json_object_get(patch, "sha256"));
	const struct vendor_file *f = NULL;
	char path[VENDOR_PATH_MAX] = "", file[VENDOR_NAME_MAX + sizeof(VENDOR_FOLDER)] = "";

	if (!json_is_object(patch))
		return json_null();
	if (vendor_path(doc, path))
		f = vendor_names(p->vendor, path, sha256);
	if (f)
		(void)snprintf(file, sizeof(file), VENDOR_FOLDER "/%s", f->name);
	return json_pack("{s:O?, s:O?, s:O?, s:O?, s:s*, s:s?}", "patchset",
			 json_object_get(patch, "id"), "level", json_object_get(patch, "level"),
			 "sha256", json_object_get(patch, "sha256"), "cves",
			 json_object_get(patch, "cves"), "path", *path ? path : NULL, "metadata",
			 f ? file : NULL);
}

static int add_entry(struct pack *p, const struct sut_db_rows *row, const char *manifest,
		     const char *result, const char *key, struct sut_err *err)
{
	_cleanup_json_ json_t *doc = json_loads(sut_db_text(row, R_DOCUMENT), 0, NULL);
	char console_key[PATH_LEN];
	json_t *e;

	(void)snprintf(console_key, sizeof(console_key), "keys/console-%.16s.pem",
		       sut_db_text(row, R_KEY_ID));
	e = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:O?, s:O?, s:O?, s:O?, s:o, s:o}",
		      "job", sut_db_text(row, R_JOB), "title", sut_db_text(row, R_TITLE), "action",
		      sut_db_text(row, R_ACTION), "dry_run", (int)sut_db_int(row, R_DRY_RUN),
		      "created_by", sut_db_text(row, R_CREATED_BY), "hostname",
		      sut_db_text(row, R_HOSTNAME), "system_id", sut_db_text(row, R_SYSTEM_ID),
		      "outcome", sut_db_text(row, R_OUTCOME), "begun",
		      json_object_get(doc, "begun"), "ended", json_object_get(doc, "ended"),
		      "before", json_object_get(doc, "before"), "after",
		      json_object_get(doc, "after"), "patch", patch_json(p, doc), "received",
		      web_time(sut_db_int(row, R_RECEIVED)));
	if (!e ||
	    json_object_set_new(e, "manifest",
				json_pack("{s:s, s:s, s:s}", "file", manifest, "sha256",
					  sut_db_text(row, R_SHA256), "key", console_key)) < 0 ||
	    json_object_set_new(e, "result", json_pack("{s:s, s:s}", "file", result, "key", key)) <
		    0) {
		json_decref(e);
		return sut_err_oom(err);
	}
	return json_array_append_new(p->entries, e) < 0 ? sut_err_oom(err) : 0;
}

static int put_result(struct pack *p, const struct sut_db_rows *row, struct sut_err *err)
{
	char manifest[PATH_LEN], result[PATH_LEN], key[PATH_LEN];
	int rc = 0;

	(void)snprintf(manifest, sizeof(manifest), "manifests/%.128s.json",
		       sut_db_text(row, R_NAME));
	(void)snprintf(result, sizeof(result), "results/%.16s-%.16s.json", sut_db_text(row, R_JOB),
		       sut_db_text(row, R_SYSTEM_ID));
	if (is_new(p, manifest))
		rc = put_text(p, manifest, sut_db_text(row, R_MANIFEST), err);
	if (rc == 0)
		rc = put_text(p, result, sut_db_text(row, R_ENVELOPE), err);
	if (rc == 0)
		rc = put_system_key(p, row, key, err);
	return rc == 0 ? add_entry(p, row, manifest, result, key, err) : rc;
}

static int results(struct web_req *q, struct pack *p, int64_t from, int64_t to, struct sut_err *err)
{
	static const char sql[] =
		"SELECT j.uid, j.title, j.action, j.dry_run, j.created_by, s.hostname, r.system_id,"
		" r.received, r.outcome, r.job_key, r.envelope, r.document, m.name, m.sha256,"
		" m.key_id, m.envelope FROM results r JOIN job_systems s ON s.id = r.job_system"
		" JOIN jobs j ON j.id = s.job JOIN manifests m ON m.id = r.manifest"
		" WHERE r.tenant = $1 AND r.received >= $2 AND r.received < $3 ORDER BY r.id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db, sql,
			     SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(from), SUT_DB_I(to)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		k = put_result(p, rows, err);
	return k < 0 ? k : 0;
}

/* --- what the vendor signed --- */

static int put_vendor(struct pack *p, struct sut_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < p->vendor->n && rc == 0; i++) {
		const struct vendor_file *f = &p->vendor->v[i];
		char path[VENDOR_NAME_MAX + sizeof(VENDOR_FOLDER)];

		(void)snprintf(path, sizeof(path), VENDOR_FOLDER "/%s", f->name);
		rc = put(p, path, f->data, f->len, err);
	}
	return rc;
}

/* --- what tells the rest apart from what somebody changed --- */

static int put_index(struct web_req *q, struct pack *p, int64_t from, int64_t to,
		     struct sut_err *err)
{
	_cleanup_json_ json_t *index = json_pack(
		"{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:O}", "format", "suture-evidence",
		"version", 1, "issuer", job_issuer(q->server), "tenant", q->who.tenant_name, "made",
		web_time(q->now), "from", web_time(from), "to", web_time(to), "vendor",
		vendor_json(p->vendor, VENDOR_FOLDER), "entries", p->entries);
	_cleanup_(sut_freep) char *text = index ? json_dumps(index, JSON_INDENT(1)) : NULL;

	return text ? put_text(p, "index.json", text, err) : sut_err_oom(err);
}

static int put_sums(struct web_req *q, struct pack *p, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_buf_ struct sut_buf sums = SUT_BUF_INIT(SUMS_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_json_ json_t *current = NULL;
	char id[SUT_DSSE_KEYID];
	int rc = job_key_json(q->db, q->who.tenant, &current, err);

	if (rc == 0 &&
	    sut_buf_add(&sums, p->sums.data ? p->sums.data : (const uint8_t *)"", p->sums.len) < 0)
		rc = sut_err_oom(err);
	if (rc == 0)
		rc = put(p, "SHA256SUMS", sums.data, sums.len, err);
	/* Without a key there never was a job. */
	if (rc < 0 || !json_is_object(current))
		return rc;
	rc = job_key_use(console_of(q->server)->seal, q->db, q->who.tenant, q->now, &key, id, err);
	if (rc == 0)
		rc = sut_minisign_sign(key, "evidence of a suture-console", "evidence", sums.data,
				       sums.len, &sig, err);
	return rc == 0 ? put(p, "SHA256SUMS.minisig", sig.data, sig.len, err) : rc;
}

static int fill(struct web_req *q, struct pack *p, int64_t from, int64_t to, struct sut_err *err)
{
	int rc = put_text(p, "README.md", evidence_readme, err);

	if (rc == 0)
		rc = console_keys(q, p, err);
	if (rc == 0)
		rc = results(q, p, from, to, err);
	if (rc == 0)
		rc = put_vendor(p, err);
	if (rc == 0)
		rc = put_index(q, p, from, to, err);
	if (rc == 0)
		rc = put_sums(q, p, err);
	if (rc == 0 && archive_write_close(p->a) != ARCHIVE_OK)
		rc = failed(p, err);
	return rc;
}

int export_evidence(struct web_req *q, int64_t from, int64_t to, const struct vendor *vendor,
		    struct sut_buf *out, struct sut_err *err)
{
	struct pack p = {.a = archive_write_new(),
			 .out = out,
			 .sums = SUT_BUF_INIT(SUMS_MAX),
			 .now = q->now,
			 .vendor = vendor,
			 .seen = json_object(),
			 .entries = json_array()};
	int rc = 0;

	if (!p.a || !p.seen || !p.entries)
		rc = sut_err_oom(err);
	else if (archive_write_set_format_ustar(p.a) != ARCHIVE_OK ||
		 archive_write_add_filter_gzip(p.a) != ARCHIVE_OK ||
		 archive_write_set_bytes_in_last_block(p.a, 1) != ARCHIVE_OK ||
		 archive_write_open(p.a, &p, NULL, write_out, NULL) != ARCHIVE_OK)
		rc = failed(&p, err);
	if (rc == 0)
		rc = fill(q, &p, from, to, err);
	if (p.a)
		archive_write_free(p.a);
	sut_buf_release(&p.sums);
	json_decref(p.seen);
	json_decref(p.entries);
	return rc;
}
