// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "sample_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "wire/wire.h"
#include "patch/signature.h"
#include "sample_patch.h"

enum { SIGNED_AT = 1795292100, ANSWER_MS = 5000 };

static void put_key(const struct sample_apply *s, const char *name, const struct sut_privkey *key)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/etc/suture/keys.d", s->root);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s.pub", dir, name);
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub pub;
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(sut_privkey_public(key, &public, &err), err);
	assert_ok(sut_minisign_pub_of(public, &pub, &err), err);
	assert_ok(sut_minisign_pub_format(&pub, name, &text, &err), err);
	assert_ok(sut_file_write(path, text.data, text.len, 0644, &err), err);
}

int sample_apply_setup(void **state)
{
	struct sample_apply *s = calloc(1, sizeof(*s));
	struct sut_err err = {0};

	assert_non_null(s);
	/* Each call writes a few files durably. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	assert_ok(sut_tmpdir("apply", &s->root, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &s->vendor, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &s->stranger, &err), err);
	put_key(s, "vendor", s->vendor);
	assert_ok(machine_file_new(s->root, NULL, &err), err);
	apply_init(&s->a, s->root);
	assert_ok(machine_file_use(&s->a, &err), err);
	s->server = (struct server){
		.listener = -1, .idle_ms = 100, .request_ms = 200, .agent = (uid_t)-1};
	*state = s;
	return 0;
}

int sample_apply_teardown(void **state)
{
	struct sample_apply *s = *state;

	apply_release(&s->a);
	sut_privkey_free(s->vendor);
	sut_privkey_free(s->stranger);
	(void)!sut_rm_rf(s->root, NULL);
	free(s->root);
	free(s);
	return 0;
}

/* ------------------------------------------------------------------ */

void sample_signed_patch(const struct sut_privkey *key, uint32_t level, const char *id,
			 const char *build_id, struct sample_signed *ret)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct suture_expect_header *h;
	struct sut_member members[SAMPLE_MEMBERS];
	json_t *j = sample_manifest();
	struct sut_manifest *m = NULL;
	struct sut_err err = {0};

	json_object_set_new(j, "level", json_integer(level));
	json_object_set_new(j, "id", json_string(id));
	sample_expect(&expect);
	if (build_id) {
		h = (struct suture_expect_header *)expect.data;
		assert_int_equal(sut_unhex(build_id, h->build_id, SUTURE_BUILD_ID_LEN), 0);
		json_object_set_new(json_object_get(j, "target"), "build_id",
				    json_string(build_id));
	}
	sample_members(&expect, members);
	*ret = (struct sample_signed){.file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX),
				      .sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX)};
	assert_ok(sut_patch_pack(j, members, SAMPLE_MEMBERS, SAMPLE_MTIME, &ret->file, &err), err);
	assert_ok(sut_manifest_load(j, &m, &err), err);
	assert_ok(sut_patch_sign(key, m, ret->file.data, ret->file.len, SIGNED_AT, &ret->sig, &err),
		  err);
	sut_manifest_free(m);
	json_decref(j);
	sut_sha256_hex(ret->file.data, ret->file.len, ret->sha256);
}

void sample_signed_engine(const struct sut_privkey *key, uint32_t abi, const char *build_id,
			  struct sample_signed *ret)
{
	struct sut_patch_claim c = {.time = SIGNED_AT, .name = "suture-0.1.0", .level = abi};
	struct sut_err err = {0};

	*ret = (struct sample_signed){.file = SUT_BUF_INIT(1 << 20),
				      .sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX)};
	assert_int_equal(sut_unhex(build_id, c.build_id, sizeof(c.build_id)), 0);
	assert_int_equal(sut_buf_addstr(&ret->file, "not really a module"), 0);
	assert_ok(sut_engine_sign(key, &c, ret->file.data, ret->file.len, &ret->sig, &err), err);
	sut_sha256_hex(ret->file.data, ret->file.len, ret->sha256);
}

void sample_signed_release(struct sample_signed *s)
{
	sut_buf_release(&s->file);
	sut_buf_release(&s->sig);
}

int sample_memfd(const void *data, size_t len, int seals)
{
	int fd = memfd_create("sample", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* ------------------------------------------------------------------ */

static int take_answer(int fd, json_t **ret, struct sut_err *err)
{
	for (;;) {
		json_t *j = NULL;
		int r = wire_receive(fd, ANSWER_MS, &j, NULL, err);

		if (r < 0)
			return r;
		if (!json_object_get(j, "progress")) {
			bool ok = json_is_true(json_object_get(j, "ok"));

			if (!ok)
				wire_error_read(json_object_get(j, "error"), err);
			if (ret)
				*ret = j;
			else
				json_decref(j);
			return ok ? 0 : -err->code;
		}
		json_decref(j);
	}
}

int sample_call_fds(struct sample_apply *s, const char *request, int fd1, int fd2, json_t **ret,
		    struct sut_err *err)
{
	struct wire_fds fds = {.n = (size_t)(fd1 >= 0) + (fd2 >= 0), .v = {fd1, fd2}};
	json_t *j = json_loads(request, 0, NULL);
	int v[2], r;

	assert_non_null(j);
	*err = (struct sut_err){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, v), 0);
	assert_int_equal(wire_send(v[0], j, &fds, err), 0);
	server_call(&s->a, &s->server, v[1]);
	close(v[1]);
	r = take_answer(v[0], ret, err);
	close(v[0]);
	json_decref(j);
	return r;
}

int sample_call(struct sample_apply *s, json_t **ret, struct sut_err *err, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return sample_call_fds(s, text, -1, -1, ret, err);
}

int sample_stage(struct sample_apply *s, const struct sample_signed *p, json_t **ret,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) char *request =
		sut_sprintf("{\"verb\":\"stage\",\"sha256\":\"%s\"}", p->sha256);
	int patch = sample_memfd(p->file.data, p->file.len, SAMPLE_SEALED);
	int sig = sample_memfd(p->sig.data, p->sig.len, SAMPLE_SEALED);
	int r = sample_call_fds(s, request, patch, sig, ret, err);

	close(patch);
	close(sig);
	return r;
}

void sample_have(struct sample_apply *s, uint32_t level, const char *id,
		 char ret[static SUT_SHA256_HEX])
{
	struct sample_signed p;
	struct sut_err err = {0};

	sample_signed_patch(s->vendor, level, id, NULL, &p);
	assert_ok(sample_stage(s, &p, NULL, &err), err);
	memcpy(ret, p.sha256, SUT_SHA256_HEX);
	sample_signed_release(&p);
}

void sample_machine(struct sample_apply *s, const char *key, char *ret, size_t len)
{
	json_t *j = NULL;

	*ret = 0;
	if (machine_file_get(s->root, key, &j, NULL) < 0)
		return;
	if (json_is_string(j))
		snprintf(ret, len, "%s", json_string_value(j));
	else if (json_is_integer(j))
		snprintf(ret, len, "%lld", (long long)json_integer_value(j));
	json_decref(j);
}

void sample_fail(struct sample_apply *s, const char *operation, const char *how)
{
	_cleanup_(sut_freep) char *key = sut_sprintf("fail.%s", operation);
	_cleanup_(sut_freep) char *value = how ? sut_sprintf("\"%s\"", how) : strdup("null");
	struct sut_err err = {0};

	assert_ok(machine_file_set(s->root, key, value, &err), err);
}
