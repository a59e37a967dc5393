// SPDX-License-Identifier: Apache-2.0
#include "fault_scene.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "fault.h"
#include "unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

enum { FILES_MAX = 64 };

/* --- the folder, as it was --- */

struct snapshot {
	struct {
		char *path;
		mode_t mode;
		struct sut_buf data;
	} v[FILES_MAX];
	size_t n;
};

static struct snapshot *taking;

static int take_one(const char *path, const struct stat *st, int flag, struct FTW *ftw _unused_)
{
	struct sut_err err = {0};
	size_t i = taking->n;

	if (flag != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	assert_true(i < FILES_MAX);
	taking->v[i].path = strdup(path);
	taking->v[i].mode = st->st_mode & 07777;
	taking->v[i].data = SUT_BUF_INIT(1 << 20);
	assert_ok(sut_file_read(path, &taking->v[i].data, &err), err);
	taking->n++;
	return 0;
}

static void take(const struct sample_machine *s, struct snapshot *ret)
{
	*ret = (struct snapshot){0};
	taking = ret;
	assert_int_equal(nftw(s->root, take_one, 16, FTW_PHYS), 0);
	taking = NULL;
}

static void write_one(const char *path, const struct sut_buf *data, mode_t mode)
{
	_cleanup_(sut_freep) char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
	struct sut_err err = {0};
	FILE *f;

	assert_ok(sut_mkdir_p(dir, &err), err);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data->data, 1, data->len, f), data->len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void restore(const struct fault_scene *c, const struct snapshot *from)
{
	struct sut_err err = {0};

	if (c->process)
		sample_process_stop(c->s);
	assert_ok(sut_rm_rf(c->s->root, &err), err);
	for (size_t i = 0; i < from->n; i++)
		write_one(from->v[i].path, &from->v[i].data, from->v[i].mode);
	if (c->process)
		sample_process_start(c->s);
}

static void drop(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].path);
		sut_buf_release(&s->v[i].data);
	}
}

/* --- what goes wrong --- */

static const struct fault_scene *scene;
static struct fault_plan current;
static const char *from; /* NULL: nothing goes wrong now */

void fault_scene_say(void)
{
	if (from)
		print_message("%s, %s %llu (errno %d), %s\n", scene->place,
			      current.kind == FAULT_KILL ? "killed before call" : "failing change",
			      (unsigned long long)current.n, current.error, from);
	from = NULL;
}

static int in_child(void *arg _unused_)
{
	struct sut_err err = {0};
	int r = scene->run(scene->s, &err);

	/* What fails says so. */
	return r == 0 ? 0 : err.msg[0] && err.code == -r ? 1 : 77;
}

static void one(const struct snapshot *before, const struct fault_plan *plan,
		struct fault_result *res)
{
	struct snapshot here;

	current = *plan;
	from = "right after it";
	restore(scene, before);
	fault_run(in_child, NULL, plan, res);
	if (plan->kind == FAULT_KILL && res->nr >= 0)
		assert_int_equal(res->status, -SIGKILL);
	else
		assert_in_range(res->status, 0, 1);
	scene->holds(scene->s);
	/* Whatever it was told then is written before the snapshot. */
	if (scene->process)
		sample_process_stop(scene->s);
	take(scene->s, &here);
	for (const struct fault_next *next = scene->next; next->name; next++) {
		from = next->name;
		restore(scene, &here);
		next->check(scene->s);
	}
	from = NULL;
	drop(&here);
}

void fault_everywhere(const struct fault_scene *c)
{
	static const int errors[] = {ENOSPC, EROFS, EIO};
	const char *env = getenv("AGENT_FAULTS");
	bool all = env && sut_streq(env, "all");
	unsigned int kill_step = all ? 1 : c->kill_step[SANITIZED];
	unsigned int error_step = all ? 1 : c->error_step[SANITIZED];
	struct fault_plan plan = {.kind = FAULT_NONE};
	struct fault_result whole, res;
	struct snapshot before;

	scene = c;
	take(c->s, &before);
	one(&before, &plan, &whole);
	assert_int_equal(whole.status, 0);
	assert_true(whole.changes > 4);
	for (uint64_t n = 1; n <= whole.syscalls; n += kill_step) {
		plan = (struct fault_plan){.kind = FAULT_KILL, .n = n};
		one(&before, &plan, &res);
	}
	for (uint64_t n = 1; n <= whole.changes; n++)
		for (size_t e = 0; e < SUT_ARRAY_SIZE(errors); e++) {
			if ((n + 2 * e) % error_step)
				continue;
			plan = (struct fault_plan){.kind = FAULT_ERROR, .n = n, .error = errors[e]};
			one(&before, &plan, &res);
		}
	print_message("%s: %llu system calls, %llu of them change files\n", c->place,
		      (unsigned long long)whole.syscalls, (unsigned long long)whole.changes);
	drop(&before);
}

/* --- what is promised of any --- */

void fault_staged_are_whole(const struct sample_machine *s, const char *folder, const char *ending,
			    const char *damaged)
{
	struct agent_path dir = agent_path(s->root, folder);
	_cleanup_(sut_closedirp) DIR *d = opendir(dir.s);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir.s, e->d_name);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
		char sha256[SUT_SHA256_HEX];
		struct sut_err err = {0};

		assert_false(sut_startswith(e->d_name, damaged));
		if (!sut_endswith(e->d_name, ending))
			continue;
		assert_ok(sut_file_read(path, &b, &err), err);
		sut_sha256_hex(b.data, b.len, sha256);
		assert_memory_equal(e->d_name, sha256, SUT_SHA256_HEX - 1);
	}
}

void fault_is_json(const struct sample_machine *s, const char *file)
{
	struct agent_path path = agent_path(s->root, file);
	json_t *j = json_load_file(path.s, JSON_REJECT_DUPLICATES, NULL);

	assert_true(j || !sut_exists(path.s));
	json_decref(j);
}
