// SPDX-License-Identifier: Apache-2.0
#include "try/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "library/profile.h"
#include "patch/container.h"
#include "patch/manifest.h"
#include "target/profile.h"
#include "target/store.h"

enum { LINE_MAX_BYTES = 65536, DEFAULT_TIMEOUT_SEC = 30 };

static const char *const phase_name[SUT_TRY_PHASES] = {"before", "patched", "reverted"};

/* ---- what is needed ---- */

static int manifest_of(const char *path, struct sut_manifest **ret, struct sut_err *err)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	int r = sut_patch_read(path, &p, err);

	return r < 0 ? r : sut_manifest_load(p->manifest, ret, err);
}

int sut_try_is_library(const char *patch, bool *ret, struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	int r = manifest_of(patch, &m, err);

	if (r < 0)
		return r;
	*ret = sut_manifest_is_library(m);
	return 0;
}

static int find_engine(const char *named, char **ret, struct sut_err *err)
{
	static const char *const places[] = {"suture-process", "../process/suture-process",
					     "../sbin/suture-process",
					     "../libexec/suture/suture-process", NULL};

	*ret = named ? NULL : sut_program_beside(places);
	if (!*ret)
		*ret = strdup(named ? named : "suture-process");
	return *ret ? 0 : sut_err_oom(err);
}

/* ---- the shipped file in front of the machine's own ---- */

struct stage {
	char *dir;     /* links by soname */
	char *loader;  /* the target's own ld.so, when it is one of the C library; NULL */
	char *shipped; /* the file */
};

static void stage_release(struct stage *s)
{
	struct sut_err err;

	if (s->dir && sut_rm_rf(s->dir, &err) < 0)
		fprintf(stderr, "suture-build: try: %s\n", err.msg);
	free(s->dir);
	free(s->loader);
	free(s->shipped);
}

static int link_file(const struct stage *s, const char *name, const char *path, struct sut_err *err)
{
	_cleanup_(sut_freep) char *to = sut_sprintf("%s/%s", s->dir, name);

	if (!to)
		return sut_err_oom(err);
	if (symlink(path, to) < 0 && errno != EEXIST)
		return sut_err_errno(err, "cannot make %s", to);
	return 0;
}

/* What the package has beside it: a C library only works with its own loader and its own companions. */
static int link_companions(struct stage *s, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = strdup(s->shipped);
	_cleanup_(sut_closedirp) DIR *d = NULL;
	const struct dirent *e;
	int r = 0;

	if (!folder)
		return sut_err_oom(err);
	*strrchr(folder, '/') = 0;
	d = opendir(folder);
	while (!r && d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", folder, e->d_name);

		if (!path)
			return sut_err_oom(err);
		if (!strstr(e->d_name, ".so"))
			continue;
		r = link_file(s, e->d_name, path, err);
		if (!r && sut_startswith(e->d_name, "ld-linux") && !s->loader) {
			s->loader = strdup(path);
			r = s->loader ? 0 : sut_err_oom(err);
		}
	}
	return r;
}

static int make_stage(const struct sut_try_process_opts *o, const struct sut_manifest *m,
		      struct stage *s, struct sut_err *err)
{
	_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = NULL;
	_cleanup_(sut_freep) char *cache = o->cache ? strdup(o->cache) : sut_cache_dir();
	int r;

	if (o->own)
		return 0;
	if (!cache)
		return sut_err_oom(err);
	r = sut_lib_profile_open(cache, m->target.name, m->target.soname, &p, err);
	if (r < 0)
		return sut_err_prefix(err, "with --own the file is used that the program finds by "
					   "itself");
	s->shipped = realpath(p->shipped, NULL);
	if (!s->shipped)
		return sut_err_errno(err, "cannot find %s", p->shipped);
	if (p->executable) /* it is named by $SUTURE_FILE */
		return 0;
	r = sut_tmpdir("suture-try", &s->dir, err);
	if (!r)
		r = link_file(s, p->soname, s->shipped, err);
	if (!r)
		r = link_companions(s, err);
	return r;
}

/* ---- the test program ---- */

struct program {
	pid_t pid;
	int in, out; /* our ends */
	struct sut_buf text;
};

static void run_child(const struct sut_try_process_opts *o, const struct stage *s, int in, int out)
{
	const char *argv[64] = {NULL};
	size_t n = 0;

	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (s->shipped)
		setenv("SUTURE_FILE", s->shipped, 1);
	if (s->loader) {
		argv[n++] = s->loader;
		argv[n++] = "--library-path";
		argv[n++] = s->dir;
	} else if (s->dir) {
		setenv("LD_LIBRARY_PATH", s->dir, 1);
	}
	for (size_t i = 0; o->argv[i]; i++) {
		if (n + 2 > SUT_ARRAY_SIZE(argv))
			_exit(126);
		argv[n++] = o->argv[i];
	}
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "suture-build: try: cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int start(const struct sut_try_process_opts *o, const struct stage *s, struct program *p,
		 struct sut_err *err)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return sut_err_errno(err, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return sut_err_errno(err, "cannot make a pipe");
	}
	fflush(stdout);
	p->pid = fork();
	if (!p->pid)
		run_child(o, s, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	if (p->pid < 0)
		return sut_err_errno(err, "cannot start %s", o->argv[0]);
	return 0;
}

/* Takes the first line out of what was read. */
static char *first_line(struct sut_buf *b)
{
	char *nl = b->len ? memchr(b->data, '\n', b->len) : NULL, *line;
	size_t n;

	if (!nl)
		return NULL;
	n = (size_t)(nl - (char *)b->data);
	line = strndup((char *)b->data, n);
	memmove(b->data, nl + 1, b->len - n - 1);
	b->len -= n + 1;
	return line;
}

static int ask(struct program *p, unsigned int timeout_sec, char **ret, struct sut_err *err)
{
	double end = sut_now_s() + (timeout_sec ? timeout_sec : DEFAULT_TIMEOUT_SEC);

	if (write(p->in, "\n", 1) != 1)
		return sut_err_set(err, EPIPE, "the program reads no line from its standard input");
	for (;;) {
		struct pollfd f = {.fd = p->out, .events = POLLIN};
		char buf[4096];
		double left = end - sut_now_s();
		ssize_t n;

		*ret = first_line(&p->text);
		if (*ret)
			return 0;
		if (left <= 0 || poll(&f, 1, (int)(left * 1000) + 1) == 0)
			return sut_err_set(err, ETIMEDOUT,
					   "the program printed no line in time; does it flush its "
					   "standard output?");
		n = read(p->out, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sut_err_set(err, EPIPE,
					   "the program ended before it printed a line");
		if (sut_buf_add(&p->text, buf, (size_t)n) < 0)
			return sut_err_set(err, ENOBUFS, "the program prints no line, but %d bytes",
					   LINE_MAX_BYTES);
	}
}

/* Lets the program end; how it did. */
static int finish(struct program *p, unsigned int timeout_sec)
{
	double end = sut_now_s() + (timeout_sec ? timeout_sec : DEFAULT_TIMEOUT_SEC);
	int status = 0;

	if (p->in >= 0)
		close(p->in);
	p->in = -1;
	while (p->pid > 0) {
		pid_t k = waitpid(p->pid, &status, WNOHANG);

		if (k == p->pid)
			break;
		if (k < 0 && errno != EINTR)
			return -1;
		if (sut_now_s() > end)
			kill(p->pid, SIGKILL);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	if (p->out >= 0)
		close(p->out);
	p->out = -1;
	sut_buf_release(&p->text);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- the three answers ---- */

static void note(struct sut_try_process *t, const char *step, const char *why)
{
	snprintf(t->failed, sizeof(t->failed), "%s", step);
	snprintf(t->why, sizeof(t->why), "%.2000s", why);
}

static bool engine(struct sut_try_process *t, const char *path, const char *verb,
		   const char *argument, pid_t pid, double *seconds)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16), said = SUT_BUF_INIT(1 << 16);
	_cleanup_(sut_freep) char *number = sut_sprintf("%d", (int)pid);
	const char *argv[] = {path, verb, "--pid", number, argument, NULL};
	struct sut_run_opts o = {.out = &out, .err_out = &said, .timeout_sec = 60};
	struct sut_err err = {0};
	double start = sut_now_s();
	int r = number ? sut_run(argv, &o, &err) : sut_err_oom(&err);

	*seconds = sut_now_s() - start;
	if (r == 0)
		return true;
	note(t, verb, r < 0 ? err.msg : said.len ? sut_buf_str(&said) : sut_buf_str(&out));
	return false;
}

static void phases(const struct sut_try_process_opts *o, const char *path, struct program *p,
		   struct sut_try_process *t)
{
	struct sut_err err = {0};

	for (int i = 0; i < SUT_TRY_PHASES; i++) {
		if (i == 1 && !engine(t, path, "apply", o->patch, p->pid, &t->seconds[0]))
			return;
		if (i == 2 && !engine(t, path, "revert", o->patch, p->pid, &t->seconds[1]))
			return;
		if (ask(p, o->timeout_sec, &t->line[i], &err) < 0) {
			note(t, phase_name[i], err.msg);
			return;
		}
	}
	t->changed = !sut_streq(t->line[0], t->line[1]);
	t->restored = sut_streq(t->line[0], t->line[2]);
}

int sut_try_process_run(const struct sut_try_process_opts *o, struct sut_try_process *out,
			struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	_cleanup_(sut_freep) char *path = NULL;
	_cleanup_(stage_release) struct stage s = {0};
	struct program p = {.in = -1, .out = -1, .text = SUT_BUF_INIT(LINE_MAX_BYTES)};
	struct sigaction old, ignore = {.sa_handler = SIG_IGN};
	int r = manifest_of(o->patch, &m, err);

	*out = (struct sut_try_process){0};
	if (!r)
		r = find_engine(o->engine, &path, err);
	if (!r)
		r = make_stage(o, m, &s, err);
	if (r < 0)
		return r;
	snprintf(out->target, sizeof(out->target), "%s", m->target.name);
	snprintf(out->file, sizeof(out->file), "%s", m->target.file);
	sigaction(SIGPIPE, &ignore, &old);
	r = start(o, &s, &p, err);
	if (!r)
		phases(o, path, &p, out);
	out->status = finish(&p, o->timeout_sec);
	sigaction(SIGPIPE, &old, NULL);
	if (!r && out->status && !*out->failed)
		note(out, "end",
		     out->status > 128 ? "the program was ended by a signal"
				       : "the program ended with an error");
	return r;
}

bool sut_try_process_ok(const struct sut_try_process *t)
{
	return !*t->failed && t->changed && t->restored;
}

/* ---- telling ---- */

void sut_try_process_print(const struct sut_try_process *t, FILE *f)
{
	fprintf(f, "%s, %s\n", t->target, t->file);
	for (int i = 0; i < SUT_TRY_PHASES; i++)
		if (t->line[i])
			fprintf(f, "  %-9s %s\n", phase_name[i], t->line[i]);
	if (*t->failed)
		fprintf(f, "failed: %s: %s\n", t->failed, t->why);
	else if (!t->changed)
		fprintf(f, "failed: the patch makes no difference to this program\n");
	else if (!t->restored)
		fprintf(f, "failed: after the patch was taken out the program is not as before\n");
	else
		fprintf(f, "applied and reverted in one running process\n");
	if (t->status)
		fprintf(f, "the program ended with status %d\n", t->status);
}

json_t *sut_try_process_json(const struct sut_try_process *t)
{
	json_t *o = json_pack("{s:b s:s s:s s:b s:b s:i s:f s:f}", "ok", sut_try_process_ok(t),
			      "target", t->target, "file", t->file, "changed", t->changed,
			      "restored", t->restored, "status", t->status, "apply_seconds",
			      t->seconds[0], "revert_seconds", t->seconds[1]);

	if (!o)
		return NULL;
	for (int i = 0; i < SUT_TRY_PHASES; i++)
		if (t->line[i])
			json_object_set_new(o, phase_name[i], json_string(t->line[i]));
	if (*t->failed) {
		json_object_set_new(o, "failed", json_string(t->failed));
		json_object_set_new(o, "why", json_string(t->why));
	}
	return o;
}

void sut_try_process_release(struct sut_try_process *t)
{
	for (int i = 0; i < SUT_TRY_PHASES; i++)
		free(t->line[i]);
	*t = (struct sut_try_process){0};
}
