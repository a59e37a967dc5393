// SPDX-License-Identifier: Apache-2.0
/* suture-process for tests of suture-apply: sample_machine.h says what it does, which is nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "patch/container.h"
#include "sample_machine.h"
#include "wire/wire.h"

static struct sut_err fault;

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "sample_process: %s: %s\n", what, fault.msg);
	abort();
}

static json_t *load(const char *root, const char *name)
{
	return json_load_file(agent_path(root, name).s, JSON_REJECT_DUPLICATES, NULL);
}

static void save(const char *root, const char *name, const json_t *j)
{
	must(json_dump_file(j, agent_path(root, name).s, JSON_COMPACT), name);
}

/* What the file in a descriptor is for, when it is what was announced. */
static json_t *library_of(int fd, const char *sha256)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	struct sut_patch *p = NULL;
	char is[SUT_SHA256_HEX];
	json_t *j;

	must(stage_sealed(fd, SUT_PATCH_FILE_MAX, "the patch", &b, &fault), "not sealed");
	sut_sha256_hex(b.data, b.len, is);
	must(sut_streq(is, sha256) ? 0 : -1, "another file");
	must(sut_patch_parse(b.data, b.len, &p, &fault), "no patch");
	j = json_pack("{s:O,s:O,s:O,s:s}", "build_id",
		      json_object_get(json_object_get(p->manifest, "target"), "build_id"), "patch",
		      json_object_get(p->manifest, "id"), "level",
		      json_object_get(p->manifest, "level"), "sha256", sha256);
	sut_patch_free(p);
	return j;
}

/* As the daemon tells it: how many processes have it, and how many of them were patched. */
static json_t *told(const char *root)
{
	json_t *set = load(root, "/process-set.json"), *sees = load(root, "/process.json");
	json_t *list = json_array(), *l, *p, *reasons = json_object_get(sees, "unpatched"), *count;
	const char *word;
	size_t i, k;

	json_array_foreach(json_object_get(set, "libraries"), i, l) {
		json_int_t n = 0, rest = 0;

		json_array_foreach(json_object_get(sees, "processes"), k, p)
			n += json_equal(json_object_get(p, "build_id"),
					json_object_get(l, "build_id"));
		json_object_foreach(reasons, word, count)
			rest += json_integer_value(count);
		l = json_deep_copy(l);
		json_object_set_new(l, "name", json_string("libexpat.so.1"));
		json_object_set_new(l, "processes", json_integer(n));
		json_object_set_new(l, "patched", json_integer(n > rest ? n - rest : 0));
		json_object_set_new(l, "reasons",
				    reasons ? json_deep_copy(reasons) : json_object());
		json_array_append_new(list, l);
	}
	json_decref(set);
	json_decref(sees);
	return json_pack("{s:o,s:s,s:{s:s,s:s}}", "libraries", list, "since",
			 "2026-11-22T10:00:00Z", "watch", "state", "on", "text", "");
}

static json_t *processes(const char *root, const json_t *request)
{
	json_t *set = load(root, "/process-set.json"), *sees = load(root, "/process.json");
	json_int_t after = json_integer_value(json_object_get(request, "after")), next = 0;
	json_t *list = json_array(), *p, *l;
	size_t i, k;

	/* Pages of two, so that there are several. */
	json_array_foreach(json_object_get(sees, "processes"), i, p) {
		json_int_t pid = json_integer_value(json_object_get(p, "pid")), level = 0;

		if (pid <= after || next)
			continue;
		json_array_foreach(json_object_get(set, "libraries"), k, l)
			if (json_equal(json_object_get(p, "build_id"),
				       json_object_get(l, "build_id")))
				level = json_integer_value(json_object_get(l, "level"));
		p = json_deep_copy(p);
		json_object_set_new(p, "level", json_integer(level));
		json_array_append_new(list, p);
		if (json_array_size(list) == 2)
			next = pid;
	}
	json_decref(set);
	json_decref(sees);
	return json_pack("{s:o,s:I}", "processes", list, "next", next);
}

static void serve_set(int fd, const char *root, json_t *request, struct wire_fds *fds)
{
	json_t *list = json_array(), *all;
	bool more;

	for (;;) {
		json_t *patches = json_object_get(request, "patches");

		must(json_array_size(patches) == fds->n ? 0 : -1, "other files than announced");
		for (size_t i = 0; i < fds->n; i++) {
			const char *sha256 = json_string_value(
				json_object_get(json_array_get(patches, i), "sha256"));

			json_array_append_new(list, library_of(fds->v[i], sha256));
		}
		wire_fds_release(fds);
		*fds = (struct wire_fds){.n = 0};
		more = json_is_true(json_object_get(request, "more"));
		if (!more)
			break;
		json_decref(request);
		request = NULL;
		if (wire_receive(fd, 5000, &request, fds, &fault) < 0) {
			json_decref(list);
			return;
		}
	}
	all = json_pack("{s:o,s:O,s:O}", "libraries", list, "exclude",
			json_object_get(request, "exclude"), "init",
			json_object_get(request, "init"));
	save(root, "/process-set.json", all);
	json_decref(all);
	json_decref(request);
	(void)wire_progress(fd, "processes", "note", "1 of 1", 1, 1);
	(void)wire_ok(fd, told(root));
}

static void serve(int fd, const char *root)
{
	struct wire_fds fds = {.n = 0};
	json_t *request = NULL, *sees;
	struct sut_err err = {0};
	const char *verb, *bad;

	if (wire_receive(fd, 5000, &request, &fds, &err) < 0)
		return;
	verb = json_string_value(json_object_get(request, "verb"));
	sees = load(root, "/process.json");
	bad = json_string_value(json_object_get(sees, "fail"));
	if (bad && sut_streq(verb, "set")) {
		(void)!sut_err_reason(&err, EIO, bad, "as the test wants it");
		(void)wire_fail(fd, &err, NULL);
	} else if (sut_streq(verb, "set")) {
		serve_set(fd, root, request, &fds);
		request = NULL;
	} else if (sut_streq(verb, "processes")) {
		(void)wire_ok(fd, processes(root, request));
	} else {
		(void)wire_ok(fd, told(root));
	}
	wire_fds_release(&fds);
	json_decref(request);
	json_decref(sees);
}

void sample_process_start(struct sample_machine *s)
{
	struct agent_path path = agent_path(s->root, AGENT_PROCESS_SOCKET), dir = path;
	pid_t parent = getpid();
	int listener, fd;

	sample_process_stop(s);
	*strrchr(dir.s, '/') = 0;
	must(sut_mkdir_p(dir.s, &fault), dir.s);
	(void)!unlink(path.s);
	must(wire_listen(path.s, 0600, (gid_t)-1, &listener, &fault), path.s);
	s->process = fork();
	if (s->process) {
		must(s->process, "fork");
		close(listener);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		serve(fd, s->root);
		close(fd);
	}
	_exit(1);
}

void sample_process_stop(struct sample_machine *s)
{
	if (s->process <= 0)
		return;
	kill(s->process, SIGKILL);
	waitpid(s->process, NULL, 0);
	s->process = 0;
	(void)!unlink(agent_path(s->root, AGENT_PROCESS_SOCKET).s);
}

int sample_process_count(const struct sample_machine *s)
{
	json_t *set = load(s->root, "/process-set.json");
	int n = set ? (int)json_array_size(json_object_get(set, "libraries")) : -1;

	json_decref(set);
	return n;
}

bool sample_process_has(const struct sample_machine *s, int n)
{
	json_t *set = load(s->root, "/process-set.json");
	const json_t *l;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(set, "libraries"), i, l)
		found |= sut_streq(json_string_value(json_object_get(l, "sha256")),
				   s->library[n].sha256);
	json_decref(set);
	return found;
}
