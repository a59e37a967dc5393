// SPDX-License-Identifier: Apache-2.0
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "kernel/kernel.h"
#include "suture-apply/library/store.h"

#define PATCH_END ".kpatch.bin"
#define SIG_END PATCH_END ".sig"
#define FACTS_END ".json"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* ------------------------------------------------------------------ */
/* memfds                                                              */

static int read_whole(int fd, size_t size, const char *name, struct sut_buf *out,
		      struct sut_err *err)
{
	int r = sut_buf_reserve(out, size);

	if (r < 0)
		return sut_err_oom(err);
	for (size_t at = 0; at < size;) {
		uint8_t piece[64 << 10];
		size_t want = size - at < sizeof(piece) ? size - at : sizeof(piece);
		ssize_t n = pread(fd, piece, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sut_err_set(err, EIO, "cannot read %s from memory", name);
		if (sut_buf_add(out, piece, (size_t)n) < 0)
			return sut_err_oom(err);
		at += (size_t)n;
	}
	return 0;
}

int stage_sealed(int fd, size_t max, const char *name, struct sut_buf *out, struct sut_err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	/* Also what is no memfd at all: a pipe, or a file that its owner goes on writing. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return sut_err_reason(err, EPERM, "unsealed",
				      "%s does not come in memory that is sealed against every "
				      "change. Is sutured of the same version?",
				      name);
	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at %s", name);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > max)
		return sut_err_reason(err, EFBIG, "limit",
				      "%s has %lld bytes; 1 to %zu are allowed", name,
				      (long long)st.st_size, max);
	return read_whole(fd, (size_t)st.st_size, name, out, err);
}

/* ------------------------------------------------------------------ */
/* where they are                                                      */

bool stage_is_sha256(const char *s)
{
	return strlen(s) == SUT_SHA256_HEX - 1 &&
	       strspn(s, "0123456789abcdef") == SUT_SHA256_HEX - 1;
}

static int folder(struct apply *a, struct agent_path *ret, struct machine_kernel *ret_k,
		  struct sut_err *err)
{
	char path[sizeof(AGENT_KERNELS) + sizeof(ret_k->build_id) + 1];
	int r = a->machine.kernel(a->machine.ctx, ret_k, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), AGENT_KERNELS "/%s", ret_k->build_id);
	*ret = agent_path(a->root, path);
	return 0;
}

/* A path that does not fit names nothing, so that nothing can go wrong by it. */
static struct agent_path inside(const struct agent_path *dir, const char *sha256, const char *end)
{
	struct agent_path p = {""};
	int n = snprintf(p.s, sizeof(p.s), "%s/%s%s", dir->s, sha256, end);

	if (n < 0 || (size_t)n >= sizeof(p.s))
		*p.s = 0;
	return p;
}

void stage_place_in(const struct agent_path *dir, const char *sha256, const char *end,
		    struct stage_place *ret)
{
	char sig[32];

	snprintf(sig, sizeof(sig), "%s.sig", end);
	ret->dir = *dir;
	ret->patch = inside(dir, sha256, end);
	ret->sig = inside(dir, sha256, sig);
	ret->facts = inside(dir, sha256, FACTS_END);
}

static int place(struct apply *a, const char *sha256, struct stage_place *ret,
		 struct machine_kernel *ret_k, struct sut_err *err)
{
	struct agent_path dir;
	int r = folder(a, &dir, ret_k, err);

	if (r == 0)
		stage_place_in(&dir, sha256, PATCH_END, ret);
	return r;
}

/* ------------------------------------------------------------------ */
/* what they are                                                       */

static int not_good(const struct sut_trust *t, struct sut_err *err)
{
	if (err)
		*err = t->why;
	return -t->why.code;
}

static int for_this_kernel(const struct machine_kernel *k, const struct sut_manifest *m,
			   struct sut_err *err)
{
	struct sut_kernel kernel = {0};

	snprintf(kernel.release, sizeof(kernel.release), "%s", k->release);
	snprintf(kernel.machine, sizeof(kernel.machine), "%s", k->arch);
	if (sut_unhex(k->build_id, kernel.build_id, sizeof(kernel.build_id)) < 0)
		return sut_err_set(err, EBADMSG, "the build-id of this kernel is malformed");
	return sut_kernel_check(&kernel, m, err);
}

/* Nothing is unpacked before somebody whom this machine trusts vouches for it, or root says that nobody needs to. */
int stage_parse(struct sut_loaded *l, struct sut_trust *t, const char *name, struct sut_err *err)
{
	int r;

	if (!sut_trust_is_good(t) && !t->insecure_local)
		return not_good(t, err);
	r = sut_loaded_parse_any(l, name, err);
	if (r < 0)
		return r;
	sut_trust_claim(t, l->manifest);
	if (!sut_trust_is_good(t) && !t->insecure_local)
		return not_good(t, err);
	return 0;
}

/* The same for the running kernel: there nobody but a key of this machine counts. */
static int parse(struct sut_loaded *l, struct sut_trust *t, const struct machine_kernel *k,
		 const char *name, struct sut_err *err)
{
	int r = l->manifest ? 0 : stage_parse(l, t, name, err);

	if (r == 0)
		r = sut_manifest_need_kernel(l->manifest, err);
	if (r == 0 && !sut_trust_is_good(t))
		r = not_good(t, err);
	return r < 0 ? r : for_this_kernel(k, l->manifest, err);
}

json_t *stage_facts_of(const struct sut_loaded *l, const struct sut_trust *t)
{
	const struct sut_manifest *m = l->manifest;
	json_t *cves = json_array();
	char at[32];

	for (size_t i = 0; cves && i < m->ncves; i++)
		if (json_array_append_new(cves, json_string(m->cves[i])) < 0) {
			json_decref(cves);
			cves = NULL;
		}
	sut_report_time(t->claim.time, at);
	return json_pack("{s:s,s:I,s:o,s:s,s:o,s:s,s:s,s:s}", "id", m->id, "level",
			 (json_int_t)m->level, "cves", cves, "sha256", l->sha256, "signed_by",
			 sut_report_text(t->key), "signed_at", at, "created", m->created,
			 "package_version", m->target.package_version);
}

void stage_guard_patch(const struct sut_loaded *l, struct guard_patch *ret)
{
	*ret = (struct guard_patch){.level = l->manifest->level};
	snprintf(ret->id, sizeof(ret->id), "%s", l->manifest->id);
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", l->sha256);
}

/* ------------------------------------------------------------------ */
/* in and out                                                          */

/* The patch comes last: it is there when the others are. */
int stage_keep(const struct stage_place *p, int patch_fd, const struct sut_buf *sig,
	       const json_t *facts, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = json_dumps(facts, JSON_INDENT(1));
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STAGE_PATCH_MAX);
	int r = text ? sut_mkdir_p(p->dir.s, err) : sut_err_oom(err);

	if (r == 0)
		r = sut_file_write(p->facts.s, text, strlen(text), 0644, err);
	if (r == 0)
		r = sut_file_write(p->sig.s, sig->data, sig->len, 0644, err);
	/* The same bytes as before: nobody can have changed them. */
	if (r == 0)
		r = stage_sealed(patch_fd, STAGE_PATCH_MAX, "the patch", &b, err);
	if (r == 0)
		r = sut_file_write(p->patch.s, b.data, b.len, 0644, err);
	return r < 0 ? sut_err_prefix(err, "the patch cannot be kept") : 0;
}

static int put_kernel(struct apply *a, struct sut_loaded *l, struct sut_trust *t, int patch_fd,
		      const struct sut_buf *sig, json_t **ret_facts, struct sut_err *err)
{
	struct machine_kernel k;
	struct stage_place p;
	json_t *facts = NULL;
	int r = place(a, l->sha256, &p, &k, err);

	if (r == 0)
		r = parse(l, t, &k, "the patch", err);
	if (r == 0) {
		facts = stage_facts_of(l, t);
		r = facts ? stage_keep(&p, patch_fd, sig, facts, err) : sut_err_oom(err);
	}
	if (r < 0) {
		json_decref(facts);
		return r;
	}
	*ret_facts = facts;
	return 0;
}

int stage_put(struct apply *a, int patch_fd, int sig_fd, const char *sha256, bool insecure_local,
	      json_t **ret_facts, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STAGE_PATCH_MAX),
				     sig = SUT_BUF_INIT(STAGE_SIG_MAX);
	struct agent_path keys = agent_path(a->root, AGENT_KEYS);
	const struct sut_trust_opts opts = {.keys = keys.s, .insecure_local = insecure_local};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust trust;
	int r = stage_sealed(patch_fd, STAGE_PATCH_MAX, "the patch", &b, err);

	if (r == 0)
		r = stage_sealed(sig_fd, STAGE_SIG_MAX, "the signature", &sig, err);
	if (r == 0)
		r = sut_loaded_take(&b, &l, err);
	if (r < 0)
		return r;
	if (!sut_streq(l->sha256, sha256))
		return sut_err_reason(err, EBADMSG, "digest",
				      "the patch has the SHA-256 %.16s… and %.16s… was announced",
				      l->sha256, sha256);
	if (insecure_local)
		r = store_insecure_allowed(a, err);
	if (r == 0)
		r = sut_trust_check_sig(&opts, "the patch", l, &sig, &trust, err);
	if (r == 0)
		r = stage_parse(l, &trust, "the patch", err);
	if (r < 0)
		return r;
	return sut_manifest_is_library(l->manifest)
		       ? store_keep(a, l, &trust, patch_fd, &sig, ret_facts, err)
		       : put_kernel(a, l, &trust, patch_fd, &sig, ret_facts, err);
}

int stage_not_staged(const char *sha256, struct sut_err *err)
{
	return sut_err_reason(err, ENOENT, "not-staged",
			      "there is no patch with the SHA-256 %.16s… on this machine for this "
			      "kernel. Fetch it with 'suture update'",
			      sha256);
}

int stage_open(struct apply *a, const char *sha256, struct sut_loaded **ret,
	       struct sut_trust *ret_trust, struct sut_err *err)
{
	struct agent_path keys = agent_path(a->root, AGENT_KEYS);
	const struct sut_trust_opts opts = {.keys = keys.s};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust trust;
	struct machine_kernel k;
	struct stage_place p;
	int r;

	if (!stage_is_sha256(sha256))
		return stage_not_staged(sha256, err);
	r = place(a, sha256, &p, &k, err);
	if (r == 0)
		r = sut_loaded_open(p.patch.s, &l, err);
	if (r == -ENOENT)
		return stage_not_staged(sha256, err);
	if (r < 0)
		return r;
	if (!sut_streq(l->sha256, sha256))
		return sut_err_reason(err, EBADMSG, "damaged",
				      "%s is not what it was when it was kept. It is fetched again "
				      "by 'suture update'; check the disk",
				      p.patch.s);
	r = sut_trust_check(&opts, p.patch.s, l, &trust, err);
	if (r == 0)
		r = parse(l, &trust, &k, p.patch.s, err);
	if (r < 0)
		return r;
	*ret = sut_steal(l);
	*ret_trust = trust;
	return 0;
}

/* ------------------------------------------------------------------ */
/* facts                                                               */

static bool is_facts(const json_t *j, const char *sha256)
{
	const char *is = json_string_value(json_object_get(j, "sha256"));

	return is && sut_streq(is, sha256) && json_is_string(json_object_get(j, "id")) &&
	       json_is_integer(json_object_get(j, "level")) &&
	       json_is_array(json_object_get(j, "cves")) &&
	       json_is_string(json_object_get(j, "signed_by"));
}

int stage_read_facts(const struct agent_path *file, const char *sha256, json_t **ret,
		     struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STAGE_FACTS_MAX);
	json_t *j;
	int r = sut_file_read(file->s, &b, err);

	if (r < 0)
		return r;
	j = b.len ? json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!is_facts(j, sha256)) {
		json_decref(j);
		return sut_err_reason(err, EBADMSG, "damaged", "%s is damaged", file->s);
	}
	*ret = j;
	return 0;
}

int stage_facts(struct apply *a, const char *sha256, json_t **ret, struct sut_err *err)
{
	struct machine_kernel k;
	struct stage_place p;
	int r;

	if (!stage_is_sha256(sha256))
		return stage_not_staged(sha256, err);
	r = place(a, sha256, &p, &k, err);
	if (r == 0)
		r = stage_read_facts(&p.facts, sha256, ret, err);
	return r == -ENOENT ? stage_not_staged(sha256, err) : r;
}

bool stage_digest_of(const char *name, char ret[static SUT_SHA256_HEX])
{
	const char *end = strchr(name, '.');

	if (!end || end - name != SUT_SHA256_HEX - 1)
		return false;
	memcpy(ret, name, SUT_SHA256_HEX - 1);
	ret[SUT_SHA256_HEX - 1] = 0;
	return stage_is_sha256(ret);
}

int stage_find(struct apply *a, const char *id, uint32_t level, char ret[static SUT_SHA256_HEX],
	       struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = NULL;
	struct machine_kernel k;
	struct agent_path dir;
	const struct dirent *e;
	int r = folder(a, &dir, &k, err);

	if (r < 0)
		return r;
	d = opendir(dir.s);
	while (d && (e = readdir(d))) {
		char sha256[SUT_SHA256_HEX];
		struct agent_path file;
		json_t *j = NULL;
		bool is;

		if (!sut_endswith(e->d_name, FACTS_END) || !stage_digest_of(e->d_name, sha256))
			continue;
		file = inside(&dir, sha256, FACTS_END);
		is = stage_read_facts(&file, sha256, &j, NULL) == 0 &&
		     sut_streq(json_string_value(json_object_get(j, "id")), id) &&
		     json_integer_value(json_object_get(j, "level")) == (json_int_t)level;
		json_decref(j);
		if (is) {
			memcpy(ret, sha256, SUT_SHA256_HEX);
			return 0;
		}
	}
	return sut_err_reason(err, ENOENT, "not-staged",
			      "no patch %s (level %u) is kept for this kernel", id, level);
}

/* ------------------------------------------------------------------ */
/* what is needed no longer                                            */

static bool is_needed(const char *name, const char *const *keep_these, size_t n)
{
	char sha256[SUT_SHA256_HEX];

	if (sut_startswith(name, "guard.json"))
		return !sut_startswith(name, "guard.json.tmp-");
	if (sut_streq(name, "suture.ko") || sut_streq(name, "suture.ko.sig"))
		return true;
	/* Else what a write that was killed has left. */
	if (!stage_digest_of(name, sha256))
		return false;
	if (!sut_streq(name + SUT_SHA256_HEX - 1, PATCH_END) &&
	    !sut_streq(name + SUT_SHA256_HEX - 1, SIG_END) &&
	    !sut_streq(name + SUT_SHA256_HEX - 1, FACTS_END))
		return false;
	for (size_t i = 0; i < n; i++)
		if (keep_these[i] && sut_streq(keep_these[i], sha256))
			return true;
	return false;
}

void stage_tidy(struct apply *a, const struct guard *g, const char *keep_this)
{
	_cleanup_(machine_patch_release) struct machine_patch p = {0};
	_cleanup_(sut_closedirp) DIR *d = NULL;
	char applied[SUT_SHA256_HEX] = "";
	const char *const these[] = {g->now.sha256, g->before.sha256, g->good.sha256, applied,
				     keep_this};
	struct machine_kernel k;
	struct agent_path dir;
	const struct dirent *e;

	/* What is applied is not known: nothing is removed. */
	if (folder(a, &dir, &k, NULL) < 0 || a->machine.patch(a->machine.ctx, &p, NULL) < 0)
		return;
	if (p.applied)
		(void)!stage_find(a, p.id, p.level, applied, NULL);
	d = opendir(dir.s);
	while (d && (e = readdir(d)))
		if (e->d_type != DT_DIR && e->d_name[0] != '.' &&
		    !is_needed(e->d_name, these, SUT_ARRAY_SIZE(these)))
			(void)!unlinkat(dirfd(d), e->d_name, 0);
}
