// SPDX-License-Identifier: Apache-2.0
/*
 * suture-record: stands in for compilers and linkers during the recorded build of a package.
 *
 * It lies as DIR/bin/gcc, DIR/bin/ld …, hard links of one static program, so that it runs in every root. It finds DIR by itself: a
 * build that drops environment variables is recorded all the same. It runs the tool of its name that comes after it in PATH, and
 * adds to DIR/log (record.h is the format):
 *
 *   a compiler   its arguments, folder, source, what the source included, and the hash of the object;
 *   a linker     its arguments and output, the link map, and the hash of every object and archive that it loaded. A compiler
 *                driver finds DIR/bin/ld through COMPILER_PATH, so however it was called, every link comes by here.
 *
 * Contents are kept in DIR/store under their hash: an object is known again whatever archive it went through, and a file that the
 * build deletes or makes anew is not lost. What a tool writes, prints and returns is what it would be without us; if something cannot be
 * recorded, DIR/errors says so and the build goes on.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"
#include "hash.h"
#include "recorder.h"

enum { ARGS_MAX = 1 << 16 };

static char real_tool[PATH_MAX];

/* ---- running the tool ---- */

static volatile sig_atomic_t child;

static void forward(int sig)
{
	if (child > 0)
		kill((pid_t)child, sig);
}

/* As much of us as a shell would be: ends as the tool ended. */
static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		fprintf(stderr, "%s: cannot be started: %s\n", record_tool, strerror(errno));
		exit(127);
	}
	if (pid == 0) {
		execv(real_tool, argv);
		fprintf(stderr, "%s: cannot be started: %s\n", real_tool, strerror(errno));
		_exit(127);
	}
	child = pid;
	signal(SIGTERM, forward);
	signal(SIGINT, forward);
	signal(SIGHUP, forward);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			exit(127);
	child = 0;
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		exit(128 + WTERMSIG(status));
	}
	return WEXITSTATUS(status);
}

static void find_real(void)
{
	const char *p = getenv("PATH");
	char bin[PATH_MAX + 8];

	snprintf(bin, sizeof(bin), "%s/bin", record_dir);
	for (p = p ? p : "/usr/bin:/bin"; *p;) {
		size_t n = strcspn(p, ":");
		char folder[PATH_MAX], whole[PATH_MAX];

		if (n && n < sizeof(folder)) {
			memcpy(folder, p, n);
			folder[n] = 0;
			if (strcmp(whole_path(folder, whole), bin) != 0 &&
			    snprintf(real_tool, sizeof(real_tool), "%s/%s", folder, record_tool) <
				    (int)sizeof(real_tool) &&
			    access(real_tool, X_OK) == 0)
				return;
		}
		p += n + (p[n] == ':');
	}
	snprintf(real_tool, sizeof(real_tool), "/usr/bin/%s", record_tool);
}

/* ---- compilers ---- */

static void record_object(const char *output)
{
	char path[PATH_MAX], h[HASH_TEXT];
	struct content f;

	if (!record_map(output, &f))
		return;
	hash_text(f.data, f.len, h);
	record_add_str("out", whole_path(output, path));
	record_add_str("hash", h);
	munmap(f.data, f.len);
}

static void record_deps(const char *path)
{
	struct content f;

	if (!record_map(path, &f))
		return;
	if (!memchr(f.data, 0, f.len))
		record_add("deps", (const char *)f.data, f.len);
	munmap(f.data, f.len);
}

static void common(int argc, char **argv)
{
	char cwd[PATH_MAX];
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	record_add_str("cwd", getcwd(cwd, sizeof(cwd)) ? cwd : "");
	if (epoch)
		record_add_str("epoch", epoch);
	record_add_str("arg", record_tool);
	for (int i = 1; i < argc; i++)
		record_add_str("arg", argv[i]);
}

static int compiler(int argc, char **argv)
{
	char deps[PATH_MAX + 64] = "", output[PATH_MAX], mf[PATH_MAX], call[64], source[PATH_MAX];
	char compiler_path[2 * PATH_MAX];
	char **args = calloc((size_t)argc + 4, sizeof(*args));
	const char *old = getenv("COMPILER_PATH");
	struct compile c = {0};
	int n = argc, r;

	c.sources = calloc((size_t)argc, sizeof(*c.sources));
	if (!args || !c.sources)
		exit(127);
	compile_parse(argc, argv, &c);
	memcpy(args, argv, (size_t)argc * sizeof(*args));
	if (c.nsources == 1 && !c.other && !c.md) {
		snprintf(deps, sizeof(deps), "%s/store/.%d.d", record_dir, (int)getpid());
		args[n++] = (char *)"-MD";
		args[n++] = (char *)"-MF";
		args[n++] = deps;
	}
	snprintf(compiler_path, sizeof(compiler_path), "%s/bin%s%s", record_dir, old ? ":" : "",
		 old ? old : "");
	setenv("COMPILER_PATH", compiler_path, 1);
	/* Tells the linker's record whose it is. */
	snprintf(call, sizeof(call), "%d.%lld", (int)getpid(), (long long)time(NULL));
	setenv("SUTURE_RECORD_CALL", call, 1);
	r = run(args);
	if (r == 0 && c.nsources && !c.other) {
		common(argc, argv);
		for (size_t i = 0; i < c.nsources; i++)
			record_add_str("source", whole_path(c.sources[i], source));
		if (c.c) {
			compile_default(c.source, ".o", output, sizeof(output));
			record_object(c.output ? c.output : output);
		} else {
			record_add_str("call", call);
		}
		if (!deps[0]) {
			compile_default(c.output ? c.output : c.source, ".d", mf, sizeof(mf));
			if (c.output && strrchr(c.output, '/'))
				snprintf(mf, sizeof(mf), "%.*s.d",
					 (int)(strrchr(c.output, '.')
						       ? strrchr(c.output, '.') - c.output
						       : (ptrdiff_t)strlen(c.output)),
					 c.output);
		}
		record_deps(deps[0] ? deps : c.mf ? c.mf : mf);
		record_append("cc");
	}
	if (deps[0])
		unlink(deps);
	free(args);
	free(c.sources);
	return r;
}

/* ---- linkers ---- */

/* "LOAD path" lines of a link map: objects and archives among them are kept. */
static void keep_inputs(const struct content *map)
{
	const char *p = (const char *)map->data, *end = p + map->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		char path[PATH_MAX], whole[PATH_MAX], line[PATH_MAX + HASH_TEXT + 1], h[HASH_TEXT];
		struct content f;
		size_t n;

		nl = nl ? nl : end;
		n = (size_t)(nl - p);
		if (n > 5 && n - 5 < sizeof(path) && memcmp(p, "LOAD ", 5) == 0) {
			memcpy(path, p + 5, n - 5);
			path[n - 5] = 0;
			if (record_map(path, &f)) {
				bool archive = f.len > 8 && memcmp(f.data, "!<arch>\n", 8) == 0;
				bool object = f.len > sizeof(Elf64_Ehdr) &&
					      memcmp(f.data, ELFMAG, SELFMAG) == 0 &&
					      ((Elf64_Ehdr *)(void *)f.data)->e_type == ET_REL;

				if (archive || object) {
					hash_text(f.data, f.len, h);
					record_keep(f.data, f.len, h);
					snprintf(line, sizeof(line), "%s %s", h, path);
					record_add_str("in", line);
					if (strcmp(whole_path(path, whole), path) != 0) {
						snprintf(line, sizeof(line), "%s", whole);
						record_add_str("at", line);
					}
				}
				munmap(f.data, f.len);
			}
		}
		p = nl + 1;
	}
}

static void record_link(int argc, char **argv, const char *output, const char *map_path)
{
	char h[HASH_TEXT], path[PATH_MAX];
	const char *call = getenv("SUTURE_RECORD_CALL");
	struct content map, out;

	if (!record_map(output, &out))
		return;
	if (!record_map(map_path, &map)) {
		complain("%s: %s has no link map", record_tool, output);
		munmap(out.data, out.len);
		return;
	}
	common(argc, argv);
	if (call)
		record_add_str("call", call);
	record_add_str("out", whole_path(output, path));
	hash_text(out.data, out.len, h);
	record_keep(out.data, out.len, h);
	record_add_str("hash", h);
	hash_text(map.data, map.len, h);
	record_keep(map.data, map.len, h);
	record_add_str("map", h);
	keep_inputs(&map);
	record_append("ld");
	munmap(out.data, out.len);
	munmap(map.data, map.len);
}

static int linker(int argc, char **argv)
{
	char own[PATH_MAX + 64], option[PATH_MAX + 80];
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	const char *output = "a.out", *map = NULL, *base;
	int r, n = argc;

	if (!args)
		exit(127);
	memcpy(args, argv, (size_t)argc * sizeof(*args));
	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		const char *a = argv[i] + (starts(argv[i], "--"));

		if (strcmp(argv[i], "-o") == 0 && next)
			output = argv[++i];
		else if (starts(argv[i], "-o") && argv[i][2])
			output = argv[i] + 2;
		else if (starts(argv[i], "--output="))
			output = argv[i] + 9;
		else if (starts(a, "-Map="))
			map = a + 5;
		else if (strcmp(a, "-Map") == 0 && next)
			map = argv[++i];
	}
	base = strrchr(output, '/');
	base = base ? base + 1 : output;
	/* What configure scripts try goes into no package. */
	if (starts(base, "conftest") || strcmp(output, "/dev/null") == 0)
		map = "";
	if (!map) {
		snprintf(own, sizeof(own), "%s/store/.%d.map", record_dir, (int)getpid());
		snprintf(option, sizeof(option), "-Map=%s", own);
		args[n++] = option;
	}
	r = run(args);
	if (r == 0 && !(map && !*map))
		record_link(argc, argv, output, map ? map : own);
	if (!map)
		unlink(own);
	free(args);
	return r;
}

int main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", record_dir, sizeof(record_dir) - 1);
	char *slash;
	static char name[NAME_MAX + 1];

	if (n > 0)
		record_dir[n] = 0;
	slash = n > 0 ? strrchr(record_dir, '/') : NULL;
	if (!slash || argc < 1 || argc > ARGS_MAX)
		return 127;
	snprintf(name, sizeof(name), "%s", slash + 1);
	record_tool = name;
	*slash = 0;
	slash = strrchr(record_dir, '/');
	if (!slash || strcmp(slash, "/bin") != 0) {
		fprintf(stderr, "%s: is started by suture-build under the name of a compiler\n",
			name);
		return 127;
	}
	*slash = 0;
	find_real();
	/* Drivers look for their own parts beside argv[0]. */
	argv[0] = real_tool;
	if (strcmp(record_tool, "ld") == 0 || starts(record_tool, "ld.") ||
	    strstr(record_tool, "-ld"))
		return linker(argc, argv);
	return compiler(argc, argv);
}
