// SPDX-License-Identifier: Apache-2.0
#include "sample_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/minisign.h"
#include "kernel/trust.h"
#include "patch/signature.h"
#include "sample_patch.h"
#include "suture-apply/library/act.h"
#include "suture-apply/verb.h"

static struct sut_err fault;

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			fprintf(stderr, "%s: %s\n", #call, fault.msg);                             \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

void sample_write(const struct sample_machine *s, const char *path, const char *text,
		  unsigned int mode)
{
	struct agent_path p = agent_path(s->root, path), dir = p;

	*strrchr(dir.s, '/') = 0;
	MUST(sut_mkdir_p(dir.s, &fault));
	MUST(sut_file_write(p.s, text, strlen(text), mode, &fault));
	MUST(chmod(p.s, mode));
}

static void make_key(const struct sample_machine *s, struct sut_privkey **ret)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf pub = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub mini;

	MUST(sut_privkey_new(SUT_KEY_ED25519, ret, &fault));
	MUST(sut_privkey_public(*ret, &public, &fault));
	MUST(sut_minisign_pub_of(public, &mini, &fault));
	MUST(sut_minisign_pub_format(&mini, "of a test", &pub, &fault));
	sample_write(s, SUT_KEYS_DIR "/vendor.pub", sut_buf_str(&pub), 0644);
}

static void make_patch(struct sample_machine *s, int n, const struct sut_privkey *key)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *manifest = NULL;
	struct sut_member members[SAMPLE_MEMBERS];
	struct sut_buf *file = &s->patch[n].file, *sig = &s->patch[n].sig;
	json_t *m = sample_manifest();

	*file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	*sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	snprintf(s->patch[n].id, sizeof(s->patch[n].id), "K%d", n);
	json_object_set_new(m, "level", json_integer(n));
	json_object_set_new(m, "id", json_string(s->patch[n].id));
	sample_expect(&expect);
	sample_members(&expect, members);
	MUST(sut_patch_pack(m, members, SAMPLE_MEMBERS, SAMPLE_MTIME, file, &fault));
	MUST(sut_patch_parse(file->data, file->len, &p, &fault));
	MUST(sut_manifest_load(p->manifest, &manifest, &fault));
	MUST(sut_patch_sign(key, manifest, file->data, file->len, SAMPLE_MTIME, sig, &fault));
	sut_sha256_hex(file->data, file->len, s->patch[n].sha256);
	json_decref(m);
}

void sample_lib_build_id(int n, char ret[41])
{
	if (n < 4)
		memcpy(ret, SAMPLE_LIBRARY_BUILD_ID, 41);
	else
		snprintf(ret, 41, "%.39s%c", SAMPLE_OTHER_BUILD_ID, (char)('0' + n));
}

static void make_library(struct sample_machine *s, int n, const struct sut_privkey *key)
{
	char build_id[41];
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *manifest = NULL;
	struct sample_file *f = &s->library[n];
	json_t *m = sample_library_manifest();

	sample_lib_build_id(n, build_id);
	f->file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	f->sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	snprintf(f->id, sizeof(f->id), "U%d", n);
	json_object_set_new(m, "level", json_integer(n));
	json_object_set_new(m, "id", json_string(f->id));
	json_object_set_new(json_object_get(m, "target"), "build_id", json_string(build_id));
	sample_library_pack(m, &f->file);
	MUST(sut_patch_parse(f->file.data, f->file.len, &p, &fault));
	MUST(sut_manifest_load(p->manifest, &manifest, &fault));
	MUST(sut_patch_sign(key, manifest, f->file.data, f->file.len, SAMPLE_MTIME, &f->sig,
			    &fault));
	sut_sha256_hex(f->file.data, f->file.len, f->sha256);
	json_decref(m);
}

struct sample_machine *sample_machine_new(void)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	struct sample_machine *s = calloc(1, sizeof(*s));

	MUST(s ? sut_tmpdir("agent", &s->root, &fault) : -1);
	MUST(machine_file_new(s->root, SAMPLE_BUILD_ID, &fault));
	make_key(s, &key);
	for (int n = 1; n <= SAMPLE_PATCHES; n++)
		make_patch(s, n, key);
	for (int n = 1; n <= SAMPLE_LIBRARIES; n++)
		make_library(s, n, key);
	return s;
}

void sample_machine_free(struct sample_machine *s)
{
	sample_process_stop(s);
	MUST(sut_rm_rf(s->root, &fault));
	for (int n = 1; n <= SAMPLE_LIBRARIES; n++) {
		sut_buf_release(&s->library[n].file);
		sut_buf_release(&s->library[n].sig);
	}
	for (int n = 1; n <= SAMPLE_PATCHES; n++) {
		sut_buf_release(&s->patch[n].file);
		sut_buf_release(&s->patch[n].sig);
	}
	free(s->root);
	free(s);
}

/* ------------------------------------------------------------------ */

static void begin(const struct sample_machine *s, struct apply *a)
{
	apply_init(a, s->root);
	MUST(machine_file_use(a, &fault));
}

int sample_sealed(const struct sut_buf *b)
{
	int fd = memfd_create("sample", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd);
	MUST(write(fd, b->data, b->len));
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	return fd;
}

int sample_stage_fds(const struct sample_machine *s, int n, int patch_fd, int sig_fd,
		     struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;
	json_t *facts = NULL;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	if (r == 0)
		r = stage_put(&a, patch_fd, sig_fd, s->patch[n].sha256, false, &facts, err);
	json_decref(facts);
	return r;
}

int sample_stage(const struct sample_machine *s, int n, struct sut_err *err)
{
	_cleanup_(sut_closep) int file = sample_sealed(&s->patch[n].file),
				  sig = sample_sealed(&s->patch[n].sig);

	return sample_stage_fds(s, n, file, sig, err);
}

int sample_apply(const struct sample_machine *s, int n, struct sut_err *err)
{
	const struct act_opts o = {.by = "sutured"};
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : act_apply(&a, s->patch[n].sha256, &o, NULL, err);
}

int sample_unload(const struct sample_machine *s, struct sut_err *err)
{
	const struct act_opts o = {.by = "root", .reason = "test", .on_purpose = true};
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : act_unload(&a, &o, NULL, err);
}

int sample_settle(const struct sample_machine *s, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : apply_settle(&a, err);
}

int sample_boot_verb(const struct sample_machine *s, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;

	begin(s, &a);
	return apply_boot(&a, err);
}

int sample_shutdown_verb(const struct sample_machine *s, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;

	begin(s, &a);
	return apply_shutdown(&a, err);
}

int sample_verb(const struct sample_machine *s, json_t *request, json_t **ret, struct sut_err *err)
{
	struct verb_call c = {.request = request, .uid = 0, .root = true, .by = "root"};
	_cleanup_(apply_release) struct apply a;
	json_t *answer = json_object();
	int r;

	begin(s, &a);
	r = verb_run(&a, &c, answer, err);
	json_decref(request);
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	return r;
}

/* ------------------------------------------------------------------ */

int sample_runs(const struct sample_machine *s)
{
	json_t *p = NULL;
	int level;

	MUST(machine_file_get(s->root, "patch", &p, &fault));
	level = (int)json_integer_value(json_object_get(p, "level"));
	json_decref(p);
	return level;
}

void sample_guard(const struct sample_machine *s, struct guard *ret)
{
	MUST(guard_read(s->root, SAMPLE_BUILD_ID, ret, &fault));
}

json_t *sample_state(const struct sample_machine *s)
{
	struct agent_path path = agent_path(s->root, AGENT_APPLY_STATE);
	json_t *j = json_load_file(path.s, JSON_REJECT_DUPLICATES, NULL);

	MUST(j ? 0 : -1);
	return j;
}

void sample_next_boot(const struct sample_machine *s, bool clean, const char *cmdline)
{
	if (clean)
		MUST(sample_shutdown_verb(s, &fault));
	MUST(machine_file_boot(s->root, cmdline, &fault));
	MUST(sample_boot_verb(s, &fault));
}

void sample_make_good(const struct sample_machine *s, int n)
{
	MUST(sample_stage(s, n, &fault));
	MUST(sample_apply(s, n, &fault));
	MUST(machine_file_ahead(s->root, 1000, &fault));
	MUST(sample_settle(s, &fault));
}

/* ------------------------------------------------------------------ */
/* libraries                                                           */

int sample_lib_stage_fds(const struct sample_machine *s, int n, int patch_fd, int sig_fd,
			 bool insecure, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;
	json_t *facts = NULL;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	if (r == 0)
		r = stage_put(&a, patch_fd, sig_fd, s->library[n].sha256, insecure, &facts, err);
	json_decref(facts);
	return r;
}

int sample_lib_stage(const struct sample_machine *s, int n, struct sut_err *err)
{
	_cleanup_(sut_closep) int file = sample_sealed(&s->library[n].file),
				  sig = sample_sealed(&s->library[n].sig);

	return sample_lib_stage_fds(s, n, file, sig, false, err);
}

int sample_lib_apply(const struct sample_machine *s, int n, struct sut_err *err)
{
	const struct act_opts o = {.by = "sutured"};
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : library_apply(&a, s->library[n].sha256, &o, NULL, err);
}

int sample_lib_unload(const struct sample_machine *s, const char *build_id, struct sut_err *err)
{
	const struct act_opts o = {.by = "root", .reason = "test", .on_purpose = true};
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : library_unload(&a, build_id, &o, NULL, err);
}

int sample_lib_settle(const struct sample_machine *s, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;
	int r;

	begin(s, &a);
	r = apply_lock(&a, 1000, err);
	return r < 0 ? r : library_settle(&a, err);
}

int sample_lib_feed(const struct sample_machine *s, struct sut_err *err)
{
	_cleanup_(apply_release) struct apply a;

	begin(s, &a);
	return apply_libraries(&a, err);
}

void sample_lib_guard(const struct sample_machine *s, int n, struct guard *ret)
{
	_cleanup_(apply_release) struct apply a;
	char build_id[41];

	sample_lib_build_id(n, build_id);
	begin(s, &a);
	MUST(store_read(&a, build_id, ret, &fault));
}

void sample_lib_make_good(const struct sample_machine *s, int n)
{
	MUST(sample_lib_stage(s, n, &fault));
	MUST(sample_lib_apply(s, n, &fault));
	MUST(machine_file_ahead(s->root, 1000, &fault));
	MUST(sample_lib_settle(s, &fault));
}
