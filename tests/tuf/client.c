// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "world.h"

void fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("  ", stdout);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n  the client said: %s\n", sut_buf_str(&w->said));
	printf("  requests since the last look: %s\n", server_log(w->server));
	fflush(stdout);
	_Exit(1);
}

/* --- running --- */

/* Whatever the repository, the server or the network put into what the client said: a terminal shows
 * it and does nothing else. */
static void expect_plain_text(struct world *w)
{
	const uint8_t *p = w->said.data;

	for (size_t i = 0; i < w->said.len; i++) {
		bool c1 = p[i] == 0xc2 && i + 1 < w->said.len && p[i + 1] < 0xa0;

		EXPECT((p[i] >= ' ' || p[i] == '\n' || p[i] == '\t') && p[i] != 0x7f && !c1,
		       "byte %zu of what the client said is a control character", i);
	}
}

int run_client(struct world *w, const char *const *args)
{
	/* Not by faketime(1): it does not start when one of the same process number was killed earlier. */
	char *clock = sim_str("FAKETIME=@%s", w->faketime ? w->faketime : "");
	const char *const now[] = {"LC_ALL=C", NULL};
	const char *const then[] = {"LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", clock,
				    "FAKETIME_DONT_FAKE_MONOTONIC=1", "LC_ALL=C", NULL};
	struct sut_buf out = SUT_BUF_INIT(1 << 20);
	const char *argv[80];
	struct sut_run_opts o = {
		.env = w->faketime ? then : now,
		.timeout_sec = w->timeout_sec,
		.out = &out,
		.err_out = &w->said,
	};
	struct sut_err err = {0};
	size_t n = 0;
	int r;

	argv[n++] = w->program;
	if (w->patience) {
		argv[n++] = "--timeout";
		argv[n++] = w->patience;
	}
	while (*args && n < SUT_ARRAY_SIZE(argv) - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	sut_buf_release(&w->said);
	server_lend(w->server);
	r = sut_run(argv, &o, &err);
	server_take(w->server);
	EXPECT(r >= 0, "the client did not end as it should: %s", err.msg);
	EXPECT(r == 0 || r == 1, "exit status %d, only 0 and 1 mean something", r);
	EXPECT(r == 0 || w->said.len > 10, "exit status 1 without a word");
	expect_plain_text(w);
	sut_buf_release(&out);
	return r;
}

int run_init(struct world *w)
{
	const struct sim_file *root =
		w->trusted_root ? w->trusted_root : sim_nth(w->sim, "root", 0);
	char *file = sim_str("%s/initial_root.json", w->dir);
	const char *const args[] = {"--metadata-dir", w->metadata_dir, "init", file, NULL};
	struct sut_err err = {0};

	EXPECT(sut_file_write(file, root->data, root->len, 0644, &err) == 0, "%s", err.msg);
	return run_client(w, args);
}

int run_refresh(struct world *w)
{
	const char *const args[] = {
		"--metadata-dir", w->metadata_dir, "--metadata-url",
		w->metadata_url,  "refresh",	   NULL,
	};

	return run_client(w, args);
}

static int run_download_list(struct world *w, char **paths, size_t npaths)
{
	const char *args[64] = {"--metadata-dir", w->metadata_dir, "--metadata-url",
				w->metadata_url};
	size_t n = 4;

	for (size_t i = 0; i < npaths && n < 50; i++) {
		args[n++] = "--target-name";
		args[n++] = paths[i];
	}
	args[n++] = "--target-base-url";
	args[n++] = w->targets_url;
	args[n++] = "--target-dir";
	args[n++] = w->target_dir;
	args[n++] = "download";
	return run_client(w, args);
}

int run_download1(struct world *w, const char *path)
{
	char *copy = sim_str("%s", path);

	return run_download_list(w, &copy, 1);
}

int run_download(struct world *w, const char *paths)
{
	char *copy = sim_str("%s", paths), *save = NULL, *list[20];
	size_t n = 0;

	for (char *p = strtok_r(copy, " ", &save); p && n < 20; p = strtok_r(NULL, " ", &save))
		list[n++] = p;
	return run_download_list(w, list, n);
}

void init(struct world *w)
{
	EXPECT(run_init(w) == 0, "init failed");
	expect_requests(w, "");
}

void refresh(struct world *w)
{
	EXPECT(run_refresh(w) == 0, "refresh failed and should not have");
}

void refresh_fails(struct world *w)
{
	EXPECT(run_refresh(w) == 1, "refresh succeeded and should have been refused");
}

void download(struct world *w, const char *paths)
{
	EXPECT(run_download(w, paths) == 0, "download of %s failed and should not have", paths);
}

void download_fails(struct world *w, const char *paths)
{
	EXPECT(run_download(w, paths) == 1, "download of %s succeeded and should have been refused",
	       paths);
}

void at_day(struct world *w, double days)
{
	time_t t = (time_t)(w->sim->now + (int64_t)(days * 86400));
	char text[32];
	struct tm tm;

	free(w->faketime);
	w->faketime = NULL;
	if (days == 0)
		return;
	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	w->faketime = sim_str("%s", text);
}

/* --- looking --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder, sorted; a folder that is not there has none. */
static size_t names_in(const char *dir, char **names, size_t max)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n == max)
			sim_die("too many files in %s", dir);
		names[n++] = sim_str("%s", e->d_name);
	}
	if (d)
		closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	return n;
}

static struct sut_buf read_file(struct world *w, const char *dir, const char *name)
{
	struct sut_buf b = SUT_BUF_INIT(64 << 20);
	char *path = sim_str("%s/%s", dir, name);
	struct sut_err err = {0};

	EXPECT(sut_file_read(path, &b, &err) == 0, "%s", err.msg);
	free(path);
	return b;
}

json_int_t trusted_version(struct world *w, const char *role)
{
	char *path = sim_str("%s/%s.json", w->metadata_dir, role);
	json_t *j = json_load_file(path, 0, NULL);

	return json_integer_value(json_object_get(json_object_get(j, "signed"), "version"));
}

void expect_trusted(struct world *w, const char *list)
{
	char *names[200], *got = sim_str("%s", "");
	size_t n = names_in(w->metadata_dir, names, SUT_ARRAY_SIZE(names));

	for (size_t i = 0; i < n; i++) {
		char *role = sim_str("%s", names[i]), *more;

		if (!sut_endswith(role, ".json")) {
			EXPECT(strstr(role, "lock"), "'%s' lies in the metadata folder", role);
			continue;
		}
		role[strlen(role) - 5] = '\0';
		more = sim_str("%s%s%s:%lld", got, *got ? " " : "", role,
			       (long long)trusted_version(w, role));
		free(got);
		got = more;
	}
	EXPECT(strcmp(got, list) == 0, "trusted is '%s' instead of '%s'", got, list);
}

static void expect_file(struct world *w, const char *role, const struct sim_file *f)
{
	char *quoted = sim_quote(role), *name = sim_str("%s.json", quoted);
	struct sut_buf b = read_file(w, w->metadata_dir, name);

	EXPECT(b.len == f->len && memcmp(b.data, f->data, f->len) == 0,
	       "%s is not, byte for byte, what was served:\n%s\ninstead of\n%s", name,
	       sut_buf_str(&b), (const char *)f->data);
	sut_buf_release(&b);
}

void expect_same(struct world *w, const char *role)
{
	expect_file(w, role, sim_last(w->sim, role));
}

void expect_nth(struct world *w, const char *role, size_t n)
{
	expect_file(w, role, sim_nth(w->sim, role, n));
}

void expect_requests(struct world *w, const char *list)
{
	EXPECT(strcmp(server_log(w->server), list) == 0, "asked for '%s' instead of '%s'",
	       server_log(w->server), list);
	forget_requests(w);
}

bool requested(struct world *w, const char *one)
{
	char *all = sim_str(" %s ", server_log(w->server)), *it = sim_str(" %s ", one);

	return strstr(all, it) != NULL;
}

void expect_last_request(struct world *w, const char *one)
{
	const char *log = server_log(w->server), *last = strrchr(log, ' ');

	EXPECT(strcmp(last ? last + 1 : log, one) == 0, "asked for '%s' last instead of '%s'",
	       last ? last + 1 : log, one);
	forget_requests(w);
}

void forget_requests(struct world *w)
{
	server_forget(w->server);
}

void expect_texts(struct world *w, const char *const *texts)
{
	char *names[200];
	size_t n = names_in(w->target_dir, names, SUT_ARRAY_SIZE(names)), want = 0;
	bool seen[200] = {false};

	for (; *texts; texts++) {
		bool found = false;

		for (size_t i = 0; i < n && !found; i++) {
			struct sut_buf b = read_file(w, w->target_dir, names[i]);

			if (!seen[i] && b.len == strlen(*texts) &&
			    memcmp(sut_buf_str(&b), *texts, b.len) == 0)
				seen[i] = found = true;
			sut_buf_release(&b);
		}
		EXPECT(found, "no file in the target folder says '%.100s'", *texts);
		want++;
	}
	for (size_t i = 0; i < n; i++)
		EXPECT(seen[i], "'%s' should not lie in the target folder", names[i]);
	EXPECT(n == want, "%zu files in the target folder instead of %zu", n, want);
}

void expect_said(struct world *w, const char *text)
{
	EXPECT(strstr(sut_buf_str(&w->said), text), "'%s' is not said", text);
}
