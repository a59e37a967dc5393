// SPDX-License-Identifier: Apache-2.0
/* suture-apply: what is staged, what is applied and what is not, whoever asks. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/choice.h"
#include "common/history.h"
#include "wire/wire.h"
#include "kernel/session.h"
#include "sample_apply.h"
#include "sample_patch.h"
#include "suture-apply/guard.h"
#include "suture-apply/switch.h"

#define OTHER_BUILD "1111111111111111111111111111111111111111"

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static char *kernel_dir(const struct sample_apply *s)
{
	return sut_sprintf("%s" AGENT_KERNELS "/" SAMPLE_BUILD_ID, s->root);
}

static size_t count_files(const struct sample_apply *s, const char *end)
{
	_cleanup_(sut_freep) char *dir = kernel_dir(s);
	_cleanup_(sut_closedirp) DIR *d = opendir(dir);
	const struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += sut_endswith(e->d_name, end);
	return n;
}

static struct guard guard_of(const struct sample_apply *s)
{
	struct guard g;
	struct sut_err err = {0};

	assert_ok(guard_read(s->root, SAMPLE_BUILD_ID, &g, &err), err);
	return g;
}

static void assert_runs(struct sample_apply *s, const char *id)
{
	char is[SUTURE_ID_MAX];

	sample_machine(s, "patch.id", is, sizeof(is));
	assert_string_equal(is, id);
}

static const char *string_at(const json_t *j, const char *a, const char *b)
{
	const char *v = json_string_value(json_object_get(json_object_get(j, a), b));

	return v ? v : "";
}

/* ------------------------------------------------------------------ */
/* staging                                                             */

static void a_staged_patch_is_kept_and_told(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *dir = kernel_dir(s), *path = NULL;
	_cleanup_buf_ struct sut_buf kept = SUT_BUF_INIT(1 << 20);
	struct sample_signed p;
	struct sut_err err;
	json_t *answer = NULL;
	const json_t *facts;
	struct stat st;

	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	assert_ok(sample_stage(s, &p, &answer, &err), err);
	facts = json_object_get(answer, "patch");
	assert_string_equal(string_at(answer, "patch", "id"), "K20261121_01");
	assert_string_equal(string_at(answer, "patch", "sha256"), p.sha256);
	assert_string_equal(string_at(answer, "patch", "signed_by"), "vendor");
	assert_int_equal(json_integer_value(json_object_get(facts, "level")), 3);
	assert_int_equal(json_array_size(json_object_get(facts, "cves")), 1);
	path = sut_sprintf("%s/%s.kpatch.bin", dir, p.sha256);
	assert_ok(sut_file_read(path, &kept, &err), err);
	assert_int_equal(kept.len, p.file.len);
	assert_memory_equal(kept.data, p.file.data, kept.len);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(count_files(s, ".sig"), 1);
	/* Nothing happened to the kernel. */
	assert_runs(s, "");
	json_decref(answer);
	sample_signed_release(&p);
}

static int stage_with(struct sample_apply *s, const struct sample_signed *p, int patch, int sig,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *request =
		sut_sprintf("{\"verb\":\"stage\",\"sha256\":\"%s\"}", p->sha256);
	int r = sample_call_fds(s, request, patch, sig, NULL, err);

	close(patch);
	close(sig);
	return r;
}

static void memory_that_can_still_be_changed_is_refused(void **state)
{
	static const int some[] = {0,
				   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
				   F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE,
				   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE,
				   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
				   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE};
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/plain", s->root);
	struct sample_signed p;
	struct sut_err err;
	int fd, v[2];

	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(some); i++) {
		assert_int_equal(stage_with(s, &p, sample_memfd(p.file.data, p.file.len, some[i]),
					    sample_memfd(p.sig.data, p.sig.len, SAMPLE_SEALED),
					    &err),
				 -EPERM);
		assert_string_equal(err.reason, "unsealed");
		assert_int_equal(stage_with(s, &p,
					    sample_memfd(p.file.data, p.file.len, SAMPLE_SEALED),
					    sample_memfd(p.sig.data, p.sig.len, some[i]), &err),
				 -EPERM);
		assert_string_equal(err.reason, "unsealed");
	}
	assert_ok(sut_file_write(path, p.file.data, p.file.len, 0600, &err), err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(
		stage_with(s, &p, fd, sample_memfd(p.sig.data, p.sig.len, SAMPLE_SEALED), &err),
		-EPERM);
	assert_int_equal(pipe2(v, O_CLOEXEC), 0);
	assert_int_equal(stage_with(s, &p, v[0], v[1], &err), -EPERM);
	assert_int_equal(count_files(s, ".bin"), 0);
	sample_signed_release(&p);
}

static void what_is_too_long_or_empty_is_refused(void **state)
{
	struct sample_apply *s = *state;
	struct sample_signed p;
	char big[4097] = "";
	struct sut_err err;
	int fd;

	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	assert_int_equal(stage_with(s, &p, sample_memfd(p.file.data, p.file.len, SAMPLE_SEALED),
				    sample_memfd(big, sizeof(big), SAMPLE_SEALED), &err),
			 -EFBIG);
	assert_int_equal(stage_with(s, &p, sample_memfd("", 0, SAMPLE_SEALED),
				    sample_memfd(p.sig.data, p.sig.len, SAMPLE_SEALED), &err),
			 -EFBIG);
	fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, (64 << 20) + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SAMPLE_SEALED), 0);
	assert_int_equal(
		stage_with(s, &p, fd, sample_memfd(p.sig.data, p.sig.len, SAMPLE_SEALED), &err),
		-EFBIG);
	assert_string_equal(err.reason, "limit");
	sample_signed_release(&p);
}

static void nobody_is_believed_but_a_key_of_this_machine(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *keys = sut_sprintf("%s/etc/suture/keys.d", s->root);
	struct sample_signed p, other;
	struct sut_err err;

	sample_signed_patch(s->stranger, 3, "K20261121_01", NULL, &p);
	assert_int_equal(sample_stage(s, &p, NULL, &err), -ENOKEY);
	assert_string_equal(err.reason, "unknown-key");
	sample_signed_release(&p);

	/* A signature of another file. */
	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	sample_signed_patch(s->vendor, 4, "K20261121_02", NULL, &other);
	assert_int_equal(stage_with(s, &p, sample_memfd(p.file.data, p.file.len, SAMPLE_SEALED),
				    sample_memfd(other.sig.data, other.sig.len, SAMPLE_SEALED),
				    &err),
			 -EKEYREJECTED);
	assert_string_equal(err.reason, "bad-signature");
	/* Another file than was announced. */
	memcpy(p.sha256, other.sha256, sizeof(p.sha256));
	assert_int_equal(sample_stage(s, &p, NULL, &err), -EBADMSG);
	assert_string_equal(err.reason, "digest");
	sample_signed_release(&p);

	assert_int_equal(sut_rm_rf(keys, NULL), 0);
	assert_int_equal(sample_stage(s, &other, NULL, &err), -ENOKEY);
	assert_string_equal(err.reason, "no-keys");
	sample_signed_release(&other);
	assert_int_equal(count_files(s, ".bin"), 0);
	assert_int_equal(count_files(s, ".json"), 0);
}

static void every_flipped_byte_is_noticed(void **state)
{
	struct sample_apply *s = *state;
	struct sample_signed p;
	struct sut_err err;

	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	for (size_t i = 0; i < p.file.len; i += 97) {
		p.file.data[i] ^= 1;
		sut_sha256_hex(p.file.data, p.file.len, p.sha256);
		assert_int_equal(sample_stage(s, &p, NULL, &err), -EKEYREJECTED);
		p.file.data[i] ^= 1;
	}
	sample_signed_release(&p);
	assert_int_equal(count_files(s, ".bin"), 0);
}

static void a_patch_for_another_kernel_is_refused(void **state)
{
	struct sample_apply *s = *state;
	struct sample_signed p;
	struct sut_err err;

	sample_signed_patch(s->vendor, 3, "K20261121_01", OTHER_BUILD, &p);
	assert_int_equal(sample_stage(s, &p, NULL, &err), -ENOEXEC);
	assert_string_equal(err.reason, "wrong-kernel");
	sample_signed_release(&p);
	assert_int_equal(count_files(s, ".bin"), 0);
}

static void what_nobody_needs_is_removed(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *dir = kernel_dir(s), *stale = NULL, *guard_tmp = NULL;
	char one[SUT_SHA256_HEX], two[SUT_SHA256_HEX], three[SUT_SHA256_HEX];
	struct sut_err err;

	sample_have(s, 1, "K20261101_01", one);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", one), err);
	sample_have(s, 2, "K20261102_01", two);
	/* What was staged and never used makes room for the next one. */
	assert_int_equal(count_files(s, ".bin"), 2);
	stale = sut_sprintf("%s/%s.kpatch.bin.tmp-1", dir, two);
	guard_tmp = sut_sprintf("%s/guard.json.tmp-1", dir);
	assert_ok(sut_file_write(stale, "x", 1, 0644, &err), err);
	assert_ok(sut_file_write(guard_tmp, "x", 1, 0644, &err), err);
	sample_have(s, 3, "K20261103_01", three);
	assert_int_equal(count_files(s, ".bin"), 2);
	assert_false(sut_exists(stale));
	assert_false(sut_exists(guard_tmp));
	assert_int_equal(sample_call(s, NULL, &err, "{'verb':'preflight','sha256':'%s'}", two),
			 -ENOENT);
	assert_string_equal(err.reason, "not-staged");
	assert_ok(sample_call(s, NULL, &err, "{'verb':'preflight','sha256':'%s'}", three), err);
	assert_int_equal(guard_of(s).phase, GUARD_PROBATION);
}

/* ------------------------------------------------------------------ */
/* apply                                                               */

static void a_patch_is_applied_and_is_on_probation(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	const json_t *result;
	struct sut_err err;
	struct guard g;

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, &answer, &err, "{'verb':'apply','sha256':'%s','by':'job 7'}",
			      sha256),
		  err);
	assert_runs(s, "K20261121_01");
	result = json_object_get(answer, "result");
	assert_string_equal(string_at(answer, "result", "format"), "suture-result");
	assert_string_equal(string_at(answer, "result", "outcome"), "applied");
	assert_true(json_array_size(json_object_get(result, "steps")) >= 5);
	assert_int_equal(json_array_size(json_object_get(result, "checks")), 9);
	assert_string_equal(string_at(json_object_get(answer, "state"), "patch", "id"),
			    "K20261121_01");
	json_decref(answer);
	g = guard_of(s);
	assert_int_equal(g.phase, GUARD_PROBATION);
	assert_string_equal(g.now.sha256, sha256);
	assert_int_equal(g.probation_s, 900);

	/* Again is no change. */
	sample_fail(s, "apply", "conflict");
	answer = NULL;
	assert_ok(sample_call(s, &answer, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	assert_string_equal(string_at(answer, "result", "outcome"), "already-applied");
	json_decref(answer);
	assert_int_equal(guard_of(s).since, g.since);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, &answer, &err, "{'verb':'apply','sha256':'%s','dry_run':true}",
			      sha256),
		  err);
	assert_true(json_is_true(json_object_get(json_object_get(answer, "result"), "dry_run")));
	json_decref(answer);
	assert_runs(s, "");
	assert_int_equal(guard_of(s).phase, GUARD_IDLE);
}

/* Refused with that reason; the kernel and the guard are as they were. */
static void assert_refused(struct sample_apply *s, const char *sha256, const char *more,
			   const char *reason)
{
	char before[SUTURE_ID_MAX];
	struct guard g = guard_of(s), h;
	struct sut_err err;

	sample_machine(s, "patch.id", before, sizeof(before));
	assert_true(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'%s}", sha256, more) <
		    0);
	assert_string_equal(err.reason, reason);
	assert_runs(s, before);
	h = guard_of(s);
	assert_int_equal(h.phase, g.phase);
	assert_string_equal(h.now.sha256, g.now.sha256);
}

static void choose(struct sample_apply *s, const struct choice *c)
{
	struct sut_err err = {0};

	assert_ok(choice_write(s->root, c, &err), err);
}

static void what_the_administrator_forbids_is_not_applied(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *disabled = sut_sprintf("%s" AGENT_DISABLED, s->root);
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	choose(s, &(struct choice){.mode = CHOICE_OFF});
	assert_refused(s, sha256, "", "mode");
	assert_refused(s, sha256, ",'force':true", "mode");
	choose(s, &(struct choice){.mode = CHOICE_NO_APPLY});
	assert_refused(s, sha256, "", "mode");
	choose(s, &(struct choice){.hold = true});
	assert_refused(s, sha256, "", "hold");
	choose(s, &(struct choice){.hold = true, .hold_until = s->a.now() + 100});
	assert_refused(s, sha256, "", "hold");
	choose(s, &(struct choice){.pin = CHOICE_PIN_LEVEL, .pin_level = 2});
	assert_refused(s, sha256, "", "pin");
	choose(s, &(struct choice){.pin = CHOICE_PIN_DATE, .pin_date = "2026-11-20"});
	assert_refused(s, sha256, "", "pin");
	choose(s, &(struct choice){.pin = CHOICE_PIN_PATCHSET, .pin_patchset = "K20261101_01"});
	assert_refused(s, sha256, "", "pin");
	choose(s, &(struct choice){.mode = CHOICE_NORMAL});
	assert_ok(machine_file_set(s->root, "cmdline", "\"ro suture=off\"", &err), err);
	assert_refused(s, sha256, ",'force':true", "mode");
	assert_ok(machine_file_set(s->root, "cmdline", "\"ro suture=no-apply\"", &err), err);
	assert_refused(s, sha256, "", "mode");
	assert_ok(machine_file_set(s->root, "cmdline", "\"ro xsuture=off\"", &err), err);
	assert_ok(sut_file_write(disabled, "", 0, 0644, &err), err);
	assert_refused(s, sha256, "", "disabled");
	assert_refused(s, sha256, ",'force':true", "disabled");
	unlink(disabled);
	/* That is no failure that somebody has to see to. */
	assert_ok(sample_call(s, &answer, &err, "{'verb':'status'}"), err);
	assert_int_equal(json_array_size(json_object_get(answer, "errors")), 0);
	json_decref(answer);
	/* What says nothing is not taken for a yes. */
	assert_ok(sut_file_write(agent_path(s->root, AGENT_CHOICE).s, "{", 1, 0644, &err), err);
	assert_true(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256) < 0);
	assert_runs(s, "");

	/* Root may go over a hold, a pin and no-apply. */
	choose(s, &(struct choice){.hold = true, .mode = CHOICE_NO_APPLY});
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s','force':true}", sha256),
		  err);
	assert_runs(s, "K20261121_01");
}

static void what_a_pin_allows_is_applied(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	choose(s, &(struct choice){.pin = CHOICE_PIN_DATE, .pin_date = "2026-11-21"});
	assert_ok(
		sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s','dry_run':true}", sha256),
		err);
	choose(s, &(struct choice){.pin = CHOICE_PIN_PATCHSET, .pin_patchset = "K20261121_01"});
	assert_ok(
		sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s','dry_run':true}", sha256),
		err);
	choose(s, &(struct choice){.pin = CHOICE_PIN_LEVEL, .pin_level = 3});
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	/* A hold that is over holds nothing. */
	choose(s, &(struct choice){.hold = true, .hold_until = s->a.now() - 1});
	sample_have(s, 4, "K20261122_01", sha256);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
}

static void a_quarantined_patch_is_not_applied_even_by_root(void **state)
{
	struct sample_apply *s = *state;
	struct guard_patch q = {.id = "K20261121_01", .level = 3};
	char sha256[SUT_SHA256_HEX];
	struct guard g = {0};
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	memcpy(q.sha256, sha256, sizeof(q.sha256));
	guard_quarantine(&g, &q, "panic", "it went down", s->a.now());
	assert_ok(guard_write(s->root, SAMPLE_BUILD_ID, &g, &err), err);
	assert_refused(s, sha256, "", "quarantined");
	assert_refused(s, sha256, ",'force':true", "quarantined");
	assert_ok(sample_call(s, NULL, &err, "{'verb':'release','sha256':'%s'}", sha256), err);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
}

static void a_machine_that_cannot_be_patched_says_why(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(machine_file_set(s->root, "support", "\"container\"", &err), err);
	assert_refused(s, sha256, "", "unsupported");
	assert_ok(machine_file_set(s->root, "support", "\"supported\"", &err), err);
	assert_ok(machine_file_set(s->root, "engine.installed", "false", &err), err);
	assert_refused(s, sha256, "", "no-engine");
	assert_ok(machine_file_set(s->root, "engine.installed", "true", &err), err);
	assert_ok(machine_file_set(s->root, "engine.signed_only", "true", &err), err);
	assert_refused(s, sha256, "", "engine-refused");
	assert_ok(machine_file_set(s->root, "engine.signed_only", "false", &err), err);
	assert_ok(machine_file_set(s->root, "engine.loaded", "true", &err), err);
	assert_ok(machine_file_set(s->root, "engine.abi", "7", &err), err);
	assert_refused(s, sha256, "", "abi");
}

static void what_the_kernel_refuses_leaves_everything_as_it_was(void **state)
{
	static const char *const how[] = {"conflict", "mismatch", "changed", "busy"};
	struct sample_apply *s = *state;
	char first[SUT_SHA256_HEX], sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err = {0};
	struct guard g;

	sample_have(s, 1, "K20261101_01", first);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", first), err);
	sample_have(s, 3, "K20261121_01", sha256);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(how); i++) {
		sample_fail(s, "apply", how[i]);
		assert_refused(s, sha256, "", how[i]);
		sample_fail(s, "apply", NULL);
		sample_fail(s, "verify", how[i]);
		assert_refused(s, sha256, "", how[i]);
		sample_fail(s, "verify", NULL);
	}
	/* What ran goes on with its probation. */
	g = guard_of(s);
	assert_int_equal(g.phase, GUARD_PROBATION);
	assert_string_equal(g.now.sha256, first);
	/* It is told until something works again. */
	assert_ok(sample_call(s, &answer, &err, "{'verb':'status'}"), err);
	assert_true(json_array_size(json_object_get(answer, "errors")) > 0);
	json_decref(answer);
	answer = NULL;
	assert_ok(sample_call(s, &answer, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(answer, "state"), "errors")), 0);
	json_decref(answer);
}

static void a_lower_level_must_be_meant(void **state)
{
	struct sample_apply *s = *state;
	char high[SUT_SHA256_HEX], low[SUT_SHA256_HEX], same[SUT_SHA256_HEX];
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", high);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", high), err);
	sample_have(s, 3, "K20261121_02", same);
	assert_refused(s, same, "", "lower-level");
	sample_have(s, 2, "K20261111_01", low);
	assert_refused(s, low, "", "lower-level");
	assert_refused(s, low, ",'force':true", "lower-level");
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s','down':true}", low),
		  err);
	assert_runs(s, "K20261111_01");
}

static void a_staged_patch_that_was_changed_is_not_applied(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *dir = kernel_dir(s), *file = NULL, *sig = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	char sha256[SUT_SHA256_HEX];
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	file = sut_sprintf("%s/%s.kpatch.bin", dir, sha256);
	sig = sut_sprintf("%s.sig", file);
	assert_ok(sut_file_read(file, &b, &err), err);
	b.data[b.len / 2] ^= 1;
	assert_ok(sut_file_write(file, b.data, b.len, 0644, &err), err);
	assert_refused(s, sha256, "", "damaged");
	b.data[b.len / 2] ^= 1;
	assert_ok(sut_file_write(file, b.data, b.len, 0644, &err), err);
	unlink(sig);
	assert_refused(s, sha256, "", "unsigned");
	assert_refused(s, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "",
		       "not-staged");
}

static void a_key_that_is_trusted_no_longer_applies_nothing(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *key = sut_sprintf("%s/etc/suture/keys.d/vendor.pub", s->root);
	char sha256[SUT_SHA256_HEX];

	sample_have(s, 3, "K20261121_01", sha256);
	unlink(key);
	assert_refused(s, sha256, "", "no-keys");
}

static void what_was_killed_in_the_middle_is_found_out(void **state)
{
	static const char *const how[] = {"kill-before", "kill-after"};
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", sha256);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(how); i++) {
		pid_t pid;
		int status;

		sample_fail(s, "apply", how[i]);
		pid = fork();
		if (pid == 0) {
			sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(guard_of(s).phase, GUARD_APPLYING);
		sample_fail(s, "apply", NULL);
		assert_ok(sample_call(s, NULL, &err, "{'verb':'status'}"), err);
		assert_int_equal(guard_of(s).phase, i ? GUARD_PROBATION : GUARD_IDLE);
		assert_runs(s, i ? "K20261121_01" : "");
	}
}

/* ------------------------------------------------------------------ */
/* the other verbs                                                     */

static void preflight_tells_every_check(void **state)
{
	static const char *const names[] = {"kernel", "quarantine", "choice",
					    "engine", "lockdown",   "memory",
					    "disk",   "conflicts",  "code"};
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	const json_t *checks, *c;
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, &answer, &err, "{'verb':'preflight','sha256':'%s'}", sha256), err);
	checks = json_object_get(answer, "checks");
	assert_int_equal(json_array_size(checks), SUT_ARRAY_SIZE(names));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		c = json_array_get(checks, i);
		assert_string_equal(json_string_value(json_object_get(c, "name")), names[i]);
		assert_true(json_is_true(json_object_get(c, "ok")));
		assert_true(*json_string_value(json_object_get(c, "text")));
	}
	assert_true(json_is_true(json_object_get(answer, "fits")));
	json_decref(answer);
	answer = NULL;
	sample_fail(s, "verify", "conflict");
	choose(s, &(struct choice){.hold = true});
	assert_ok(sample_call(s, &answer, &err, "{'verb':'preflight','sha256':'%s'}", sha256), err);
	checks = json_object_get(answer, "checks");
	assert_true(json_is_false(json_object_get(answer, "fits")));
	/* The first one is what apply would say. */
	assert_string_equal(string_at(answer, "why", "reason"), "hold");
	c = json_array_get(checks, 7);
	assert_true(json_is_true(json_object_get(c, "fatal")));
	assert_non_null(strstr(json_string_value(json_object_get(c, "text")), "livepatch other"));
	assert_true(json_is_false(json_object_get(json_array_get(checks, 8), "fatal")));
	json_decref(answer);
	assert_int_equal(guard_of(s).phase, GUARD_IDLE);
}

static void what_is_unloaded_on_purpose_stays_out(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	sample_fail(s, "revert", "busy");
	assert_true(sample_call(s, NULL, &err, "{'verb':'unload'}") < 0);
	assert_string_equal(err.reason, "busy");
	assert_runs(s, "K20261121_01");
	assert_false(guard_of(s).unloaded);
	assert_int_equal(guard_of(s).phase, GUARD_PROBATION);
	sample_fail(s, "revert", NULL);
	assert_ok(sample_call(s, &answer, &err, "{'verb':'unload','reason':'a test'}"), err);
	assert_string_equal(string_at(answer, "result", "outcome"), "reverted");
	assert_true(json_is_false(json_object_get(json_object_get(answer, "state"), "residue")));
	json_decref(answer);
	assert_runs(s, "");
	assert_true(guard_of(s).unloaded);
	assert_int_equal(guard_of(s).phase, GUARD_IDLE);
	answer = NULL;
	assert_ok(sample_call(s, &answer, &err, "{'verb':'unload'}"), err);
	assert_string_equal(string_at(answer, "result", "outcome"), "nothing-applied");
	json_decref(answer);
}

static void code_that_stays_changed_after_an_unload_is_told(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err;

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	sample_fail(s, "revert", "residue");
	assert_ok(sample_call(s, &answer, &err, "{'verb':'unload'}"), err);
	assert_true(json_is_true(json_object_get(json_object_get(answer, "state"), "residue")));
	json_decref(answer);
}

static void verify_compares_what_runs(void **state)
{
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX];
	json_t *answer = NULL;
	struct sut_err err;

	assert_int_equal(sample_call(s, NULL, &err, "{'verb':'verify'}"), -ENOENT);
	assert_string_equal(err.reason, "nothing-applied");
	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(sample_call(s, NULL, &err, "{'verb':'apply','sha256':'%s'}", sha256), err);
	assert_ok(sample_call(s, &answer, &err, "{'verb':'verify'}"), err);
	assert_string_equal(string_at(answer, "result", "outcome"), "verified");
	json_decref(answer);
	answer = NULL;
	sample_fail(s, "verify", "changed");
	assert_true(sample_call(s, &answer, &err, "{'verb':'verify'}") < 0);
	assert_string_equal(err.reason, "changed");
	assert_string_equal(string_at(answer, "result", "outcome"), "changed");
	json_decref(answer);
}

static int engine(struct sample_apply *s, const struct sample_signed *p, struct sut_err *err)
{
	_cleanup_(sut_freep) char *request =
		sut_sprintf("{\"verb\":\"engine\",\"sha256\":\"%s\"}", p->sha256);
	int ko = sample_memfd(p->file.data, p->file.len, SAMPLE_SEALED);
	int sig = sample_memfd(p->sig.data, p->sig.len, SAMPLE_SEALED);
	int r = sample_call_fds(s, request, ko, sig, NULL, err);

	close(ko);
	close(sig);
	return r;
}

static bool engine_is_loaded(struct sample_apply *s)
{
	json_t *j = NULL;
	bool is;

	assert_int_equal(machine_file_get(s->root, "engine.loaded", &j, NULL), 0);
	is = json_is_true(j);
	json_decref(j);
	return is;
}

static void only_a_signed_engine_for_this_kernel_is_loaded(void **state)
{
	struct sample_apply *s = *state;
	struct sample_signed p;
	struct sut_err err = {0};

	assert_ok(machine_file_set(s->root, "engine.installed", "false", &err), err);
	sample_signed_engine(s->stranger, SUTURE_ABI, SAMPLE_BUILD_ID, &p);
	assert_int_equal(engine(s, &p, &err), -ENOKEY);
	sample_signed_release(&p);
	sample_signed_engine(s->vendor, SUTURE_ABI, OTHER_BUILD, &p);
	assert_int_equal(engine(s, &p, &err), -ENOEXEC);
	assert_string_equal(err.reason, "wrong-kernel");
	sample_signed_release(&p);
	sample_signed_engine(s->vendor, SUTURE_ABI + 1, SAMPLE_BUILD_ID, &p);
	assert_int_equal(engine(s, &p, &err), -EPROTONOSUPPORT);
	sample_signed_release(&p);
	/* A signature of a patch is none of an engine. */
	sample_signed_patch(s->vendor, 3, "K20261121_01", NULL, &p);
	assert_int_equal(engine(s, &p, &err), -EBADMSG);
	sample_signed_release(&p);
	assert_false(engine_is_loaded(s));

	sample_signed_engine(s->vendor, SUTURE_ABI, SAMPLE_BUILD_ID, &p);
	sample_fail(s, "engine_load", "refused");
	assert_int_equal(engine(s, &p, &err), -EKEYREJECTED);
	assert_string_equal(err.reason, "engine-refused");
	sample_fail(s, "engine_load", NULL);
	/* Off is off, whoever signed it. */
	assert_ok(sample_call(s, NULL, &err, "{'verb':'choose','mode':'off'}"), err);
	assert_int_equal(engine(s, &p, &err), -EPERM);
	assert_false(engine_is_loaded(s));
	assert_ok(sample_call(s, NULL, &err, "{'verb':'choose','mode':'no-apply'}"), err);
	assert_ok(engine(s, &p, &err), err);
	assert_true(engine_is_loaded(s));
	/* And a signature of an engine is none of a patch. */
	assert_true(sample_stage(s, &p, NULL, &err) < 0);
	sample_signed_release(&p);
}

/* A boot has no network: the engine of the repository is kept for it, and verified again before it is loaded. */
static void an_engine_of_the_repository_is_there_after_a_boot(void **state)
{
	static const char ko[] = AGENT_KERNELS "/" SAMPLE_BUILD_ID "/suture.ko";
	struct sample_apply *s = *state;
	struct agent_path file = agent_path(s->root, ko);
	char sha256[SUT_SHA256_HEX];
	struct sample_signed p;
	struct sut_err err = {0};

	sample_have(s, 3, "K20261121_01", sha256);
	assert_ok(machine_file_set(s->root, "engine.installed", "false", &err), err);
	sample_signed_engine(s->vendor, SUTURE_ABI, SAMPLE_BUILD_ID, &p);
	assert_ok(engine(s, &p, &err), err);
	sample_signed_release(&p);
	assert_ok(machine_file_boot(s->root, NULL, &err), err);
	assert_false(engine_is_loaded(s));
	assert_ok(sample_call(s, NULL, &err, "{'verb':'preflight','sha256':'%s'}", sha256), err);
	assert_true(engine_is_loaded(s));
	assert_ok(machine_file_boot(s->root, NULL, &err), err);
	assert_ok(sut_file_write(file.s, "changed", 7, 0644, &err), err);
	assert_refused(s, sha256, "", "no-engine");
	assert_false(engine_is_loaded(s));
}

/* ------------------------------------------------------------------ */
/* who asks, and how                                                   */

static void hostile_requests_are_answered_and_leave_nothing_behind(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{'verb':7}",
		"{'verb':'nosuch'}",
		"{'verb':'apply'}",
		"{'verb':'apply','sha256':7}",
		"{'verb':'apply','sha256':'../../../../etc/passwd'}",
		"{'verb':'apply','sha256':'"
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'}",
		"{'verb':'apply','sha256':"
		"'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','force':'yes'}",
		"{'verb':'stage','sha256':"
		"'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'}",
		"{'verb':'unload','dry_run':1}",
	};
	struct sample_apply *s = *state;
	size_t before = open_fds();
	struct sut_err err;
	int fd = sample_memfd("x", 1, 0);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_true(sample_call(s, NULL, &err, "%s", bad[i]) < 0);
		assert_true(*err.msg);
	}
	/* Files that nobody asked for. */
	assert_int_equal(sample_call_fds(s, "{\"verb\":\"status\"}", fd, -1, NULL, &err), -EINVAL);
	assert_int_equal(sample_call_fds(s, "{\"verb\":\"status\"}", fd, fd, NULL, &err), -EINVAL);
	close(fd);
	assert_int_equal(open_fds(), before);
	assert_int_equal(s->a.lock, -1);
}

static void a_peer_that_says_nothing_is_not_waited_for(void **state)
{
	struct sample_apply *s = *state;
	struct sut_err err = {0};
	json_t *j = NULL;
	int v[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, v), 0);
	server_call(&s->a, &s->server, v[1]);
	assert_ok(wire_receive(v[0], 0, &j, NULL, &err), err);
	wire_error_read(json_object_get(j, "error"), &err);
	assert_string_equal(err.reason, "timeout");
	json_decref(j);
	close(v[0]);
	/* One that is gone at once. */
	server_call(&s->a, &s->server, v[1]);
	close(v[1]);
}

/* A process of another user asks; what it is told comes back as its exit status: an errno. */
static int ask_as(struct sample_apply *s, uid_t uid, const char *request)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/s", s->root);
	struct sut_err err = {0};
	int listener = -1, fd, status;
	pid_t pid;

	assert_int_equal(chmod(s->root, 0755), 0);
	unlink(path);
	assert_ok(wire_listen(path, 0666, (gid_t)-1, &listener, &err), err);
	pid = fork();
	if (pid == 0) {
		json_t *j = json_loads(request, 0, NULL);
		int r;

		if (setgid(uid) < 0 || setuid(uid) < 0)
			_exit(255);
		r = wire_call(path, j, NULL, 5000, NULL, NULL, NULL, &err);
		_exit(r < 0 ? err.code : 0);
	}
	fd = accept(listener, NULL, NULL);
	server_call(&s->a, &s->server, fd);
	close(fd);
	close(listener);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void who_may_ask_is_what_the_kernel_says(void **state)
{
	enum { AGENT = 64123, SOMEBODY = 64124 };
	struct sample_apply *s = *state;
	char sha256[SUT_SHA256_HEX], request[256];
	struct sut_err err = {0};
	json_t *list = NULL;

	if (geteuid() != 0)
		skip();
	sample_have(s, 3, "K20261121_01", sha256);
	/* There is no such user: root only. */
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"status\"}"), EACCES);
	s->server.agent = AGENT;
	assert_int_equal(ask_as(s, SOMEBODY, "{\"verb\":\"status\"}"), EACCES);
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"status\"}"), 0);
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"release\"}"), EACCES);
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"choose\",\"mode\":\"off\"}"), EACCES);
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"forget\"}"), EACCES);
	snprintf(request, sizeof(request), "{\"verb\":\"apply\",\"sha256\":\"%s\",\"force\":true}",
		 sha256);
	assert_int_equal(ask_as(s, AGENT, request), EACCES);
	assert_runs(s, "");
	snprintf(request, sizeof(request), "{\"verb\":\"apply\",\"sha256\":\"%s\"}", sha256);
	assert_int_equal(ask_as(s, AGENT, request), 0);
	assert_runs(s, "K20261121_01");
	assert_int_equal(ask_as(s, 0, "{\"verb\":\"release\"}"), 0);
	/* Nor is it root in the history, whatever it says. */
	assert_int_equal(ask_as(s, AGENT, "{\"verb\":\"unload\",\"by\":\"root\"}"), 0);
	assert_ok(history_read(s->root, 1, &list, &err), err);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "by")),
			    "sutured, for root");
	json_decref(list);
}

static void two_at_once_are_told_apart(void **state)
{
	struct sample_apply *s = *state;
	struct agent_path lock = agent_path(s->root, SUT_LOCK_FILE);
	struct sut_err err = {0};
	int fd = -1;

	assert_ok(apply_lock(&s->a, 0, &err), err);
	assert_ok(apply_lock(&s->a, 0, &err), err);
	apply_unlock(&s->a);
	/* `suture apply FILE` is at work. */
	assert_ok(sut_session_lock(lock.s, &fd, &err), err);
	assert_int_equal(apply_lock(&s->a, 0, &err), -EBUSY);
	assert_string_equal(err.reason, "locked");
	/* Who only looks is answered all the same. */
	assert_ok(sample_call(s, NULL, &err, "{'verb':'status'}"), err);
	close(fd);
	assert_ok(apply_lock(&s->a, 0, &err), err);
}

static void it_ends_when_nobody_asks_and_when_it_is_told_to(void **state)
{
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/s", s->root);
	json_t *request = json_pack("{s:s}", "verb", "status");
	struct sut_err err = {0};
	int status;
	pid_t pid;

	assert_ok(wire_listen(path, 0600, (gid_t)-1, &s->server.listener, &err), err);
	assert_ok(server_run(&s->a, &s->server, &err), err);
	s->server.idle_ms = 60000;
	pid = fork();
	if (pid == 0)
		_exit(server_run(&s->a, &s->server, NULL) < 0);
	close(s->server.listener);
	assert_ok(wire_call(path, request, NULL, 5000, NULL, NULL, NULL, &err), err);
	assert_ok(wire_call(path, request, NULL, 5000, NULL, NULL, NULL, &err), err);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	json_decref(request);
}

/* sutured, in the hands of somebody else: connections that say nothing, as many as it can have. */
static void a_sutured_that_says_nothing_does_not_keep_root_out(void **state)
{
	enum { AGENT = 64123, MANY = 60 };
	struct sample_apply *s = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/s", s->root);
	json_t *request = json_pack("{s:s,s:s}", "verb", "choose", "mode", "off");
	struct sut_err err = {0};
	int silent[MANY], status;
	struct choice c;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(s->root, 0755), 0);
	assert_ok(wire_listen(path, 0666, (gid_t)-1, &s->server.listener, &err), err);
	assert_int_equal(listen(s->server.listener, 2 * MANY), 0);
	s->server.agent = AGENT;
	s->server.idle_ms = s->server.request_ms = 60000;
	assert_int_equal(seteuid(AGENT), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_ok(wire_connect(path, &silent[i], &err), err);
	assert_int_equal(seteuid(0), 0);
	pid = fork();
	if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		_exit(server_run(&s->a, &s->server, NULL) < 0);
	close(s->server.listener);
	assert_ok(wire_call(path, request, NULL, 5000, NULL, NULL, NULL, &err), err);
	assert_ok(choice_read(s->root, &c, &err), err);
	assert_int_equal(c.mode, CHOICE_OFF);
	for (size_t i = 0; i < MANY; i++)
		close(silent[i]);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	json_decref(request);
}

static void the_strictest_switch_counts(void **state _unused_)
{
	static const struct {
		const char *cmdline;
		bool file;
		enum choice_mode chosen, mode;
		const char *by;
		bool leave;
	} cases[] = {
		{"ro quiet", false, CHOICE_NORMAL, CHOICE_NORMAL, "", false},
		{"suture=off", false, CHOICE_NORMAL, CHOICE_OFF, "cmdline", false},
		{"ro suture=off\n", true, CHOICE_OFF, CHOICE_OFF, "cmdline", false},
		{"suture=no-apply suture=off", false, CHOICE_NORMAL, CHOICE_OFF, "cmdline", false},
		{"suture=offline xsuture=off suture=of", false, CHOICE_NORMAL, CHOICE_NORMAL, "",
		 false},
		{"", true, CHOICE_OFF, CHOICE_OFF, "choice", false},
		{"suture=no-apply", true, CHOICE_NO_APPLY, CHOICE_OFF, "file", true},
		{"suture=no-apply", false, CHOICE_NO_APPLY, CHOICE_NO_APPLY, "cmdline", false},
		{"", false, CHOICE_NO_APPLY, CHOICE_NO_APPLY, "choice", false},
	};
	struct switch_state s;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		switch_decide(cases[i].cmdline, cases[i].file, cases[i].chosen, &s);
		assert_int_equal(s.mode, cases[i].mode);
		assert_string_equal(s.by, cases[i].by);
		assert_int_equal(s.leave_running, cases[i].leave);
		assert_int_equal(switch_check(&s, NULL), s.mode == CHOICE_NORMAL ? 0 : -EPERM);
	}
}

static void containers_are_known_by_their_signs(void **state)
{
	struct sample_apply *s = *state;
	static const char *const signs[] = {"/run/systemd/container", "/.dockerenv",
					    "/run/.containerenv"};
	enum machine_support support;
	struct machine m;
	struct sut_err err = {0};
	char what[256];

	machine_real(s->root, &m);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(signs); i++) {
		struct agent_path p = agent_path(s->root, signs[i]),
				  dir = agent_path(s->root, "/run/systemd");

		assert_ok(sut_mkdir_p(dir.s, &err), err);
		assert_ok(sut_file_write(p.s, "", 0, 0644, &err), err);
		assert_ok(m.support(m.ctx, &support, what, &err), err);
		assert_int_equal(support, MACHINE_CONTAINER);
		assert_non_null(strstr(what, "container"));
		unlink(p.s);
	}
	assert_ok(sut_mkdir_p(agent_path(s->root, "/proc/self").s, &err), err);
	assert_ok(sut_file_write(agent_path(s->root, "/proc/self/uid_map").s,
				 "         0     100000      65536\n", 33, 0644, &err),
		  err);
	assert_ok(m.support(m.ctx, &support, what, &err), err);
	assert_int_equal(support, MACHINE_CONTAINER);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, sample_apply_setup, sample_apply_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_staged_patch_is_kept_and_told),
		CASE(memory_that_can_still_be_changed_is_refused),
		CASE(what_is_too_long_or_empty_is_refused),
		CASE(nobody_is_believed_but_a_key_of_this_machine),
		CASE(every_flipped_byte_is_noticed),
		CASE(a_patch_for_another_kernel_is_refused),
		CASE(what_nobody_needs_is_removed),
		CASE(a_patch_is_applied_and_is_on_probation),
		CASE(a_dry_run_changes_nothing),
		CASE(what_the_administrator_forbids_is_not_applied),
		CASE(what_a_pin_allows_is_applied),
		CASE(a_quarantined_patch_is_not_applied_even_by_root),
		CASE(a_machine_that_cannot_be_patched_says_why),
		CASE(what_the_kernel_refuses_leaves_everything_as_it_was),
		CASE(a_lower_level_must_be_meant),
		CASE(a_staged_patch_that_was_changed_is_not_applied),
		CASE(a_key_that_is_trusted_no_longer_applies_nothing),
		CASE(what_was_killed_in_the_middle_is_found_out),
		CASE(preflight_tells_every_check),
		CASE(what_is_unloaded_on_purpose_stays_out),
		CASE(code_that_stays_changed_after_an_unload_is_told),
		CASE(verify_compares_what_runs),
		CASE(only_a_signed_engine_for_this_kernel_is_loaded),
		CASE(an_engine_of_the_repository_is_there_after_a_boot),
		CASE(hostile_requests_are_answered_and_leave_nothing_behind),
		CASE(a_peer_that_says_nothing_is_not_waited_for),
		CASE(who_may_ask_is_what_the_kernel_says),
		CASE(two_at_once_are_told_apart),
		CASE(it_ends_when_nobody_asks_and_when_it_is_told_to),
		CASE(a_sutured_that_says_nothing_does_not_keep_root_out),
		cmocka_unit_test(the_strictest_switch_counts),
		CASE(containers_are_known_by_their_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
