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
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"

enum { ARGS_MAX = 1 << 16, INPUT_MAX = 1 << 30 };

static char dir[PATH_MAX]; /* DIR */
static const char *tool;   /* our own name */
static char real_tool[PATH_MAX];
static char *record; /* what goes to the log */
static size_t record_len, record_cap;

static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	char path[PATH_MAX + 16], text[1024];
	va_list ap;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = n < (int)sizeof(text) - 1 ? n : (int)sizeof(text) - 2;
	text[n++] = '\n';
	snprintf(path, sizeof(path), "%s/errors", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	if (write(fd, text, (size_t)n) < 0)
		n = 0; /* there is nobody else to tell */
	close(fd);
}

/* Adds "key=value" and a NUL to the record. */
static void add(const char *key, const char *value, size_t len)
{
	size_t need = record_len + strlen(key) + len + 2;

	if (need > record_cap) {
		size_t cap = need * 2;
		char *p = realloc(record, cap);

		if (!p) {
			complain("%s: out of memory", tool);
			exit(127);
		}
		record = p;
		record_cap = cap;
	}
	record_len += (size_t)snprintf(record + record_len, record_cap - record_len, "%s=", key);
	memcpy(record + record_len, value, len);
	record_len += len;
	record[record_len++] = 0;
}

static void add_str(const char *key, const char *value)
{
	add(key, value, strlen(value));
}

/* One write to a file opened for appending: records of tools that run side by side do not mix. */
static void append(const char *kind)
{
	char path[PATH_MAX + 16], head[64];
	int n = snprintf(head, sizeof(head), "SUTREC1 %s %zu\n", kind, record_len);
	char *all = malloc((size_t)n + record_len);
	int fd;

	snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (!all || fd < 0) {
		complain("%s: cannot write the log: %s", tool, strerror(errno));
	} else {
		memcpy(all, head, (size_t)n);
		memcpy(all + n, record, record_len);
		if (write(fd, all, (size_t)n + record_len) != (ssize_t)((size_t)n + record_len))
			complain("%s: the log is not whole: %s", tool, strerror(errno));
	}
	free(all);
	if (fd >= 0)
		close(fd);
}

/* ---- contents ---- */

static void write_all(int fd, const uint8_t *p, size_t len, bool *ok)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n <= 0) {
			*ok = false;
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

static bool keep(const uint8_t *data, size_t len, const char *name)
{
	char path[PATH_MAX + 64], tmp[PATH_MAX + 64];
	bool ok = true;
	int fd;

	snprintf(path, sizeof(path), "%s/store/%s", dir, name);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(tmp, sizeof(tmp), "%s/store/.%d", dir, (int)getpid());
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		complain("%s: cannot keep %s: %s", tool, name, strerror(errno));
		return false;
	}
	write_all(fd, data, len, &ok);
	close(fd);
	if (ok && rename(tmp, path) == 0)
		return true;
	complain("%s: cannot keep %s: %s", tool, name, strerror(errno));
	unlink(tmp);
	return false;
}

struct content {
	uint8_t *data;
	size_t len;
};

static bool map_file(const char *path, struct content *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > INPUT_MAX) {
		close(fd);
		return false;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	*ret = (struct content){p, (size_t)st.st_size};
	return true;
}

/* The path without links and dots, as far as it is there. */
static const char *whole_path(const char *path, char buf[static PATH_MAX])
{
	return realpath(path, buf) ? buf : path;
}

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
		fprintf(stderr, "%s: cannot be started: %s\n", tool, strerror(errno));
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

	snprintf(bin, sizeof(bin), "%s/bin", dir);
	for (p = p ? p : "/usr/bin:/bin"; *p;) {
		size_t n = strcspn(p, ":");
		char folder[PATH_MAX], whole[PATH_MAX];

		if (n && n < sizeof(folder)) {
			memcpy(folder, p, n);
			folder[n] = 0;
			if (strcmp(whole_path(folder, whole), bin) != 0 &&
			    snprintf(real_tool, sizeof(real_tool), "%s/%s", folder, tool) <
				    (int)sizeof(real_tool) &&
			    access(real_tool, X_OK) == 0)
				return;
		}
		p += n + (p[n] == ':');
	}
	snprintf(real_tool, sizeof(real_tool), "/usr/bin/%s", tool);
}

/* ---- compilers ---- */

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Options of compiler drivers whose value is the next argument. */
static bool takes_value(const char *a)
{
	static const char *const v[] = {
		"-o",
		"-x",
		"-I",
		"-D",
		"-U",
		"-L",
		"-l",
		"-T",
		"-B",
		"-z",
		"-u",
		"-e",
		"-A",
		"-G",
		"-include",
		"-imacros",
		"-isystem",
		"-iquote",
		"-idirafter",
		"-iprefix",
		"-iwithprefix",
		"-iwithprefixbefore",
		"-isysroot",
		"-imultilib",
		"-imultiarch",
		"-MF",
		"-MT",
		"-MQ",
		"-Xlinker",
		"-Xassembler",
		"-Xpreprocessor",
		"-Xclang",
		"-aux-info",
		"--param",
		"-wrapper",
		"-target",
		"-dumpbase",
		"-dumpdir",
		"-dumpbase-ext",
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (strcmp(a, v[i]) == 0)
			return true;
	return false;
}

static bool is_source(const char *a)
{
	static const char *const ext[] = {"c",	"cc", "cpp", "cxx", "C", "c++", "CPP",
					  "cp", "i",  "ii",  "s",   "S", "sx"};
	const char *dot = strrchr(a, '.');

	for (size_t i = 0; dot && !strchr(dot, '/') && i < sizeof(ext) / sizeof(ext[0]); i++)
		if (strcmp(dot + 1, ext[i]) == 0)
			return true;
	return false;
}

struct compile {
	bool c, other;			  /* -c; something that makes no object: -E, -S, -M … */
	bool md;			  /* writes dependencies already */
	const char *output, *mf, *source; /* source: the last */
	const char **sources;
	size_t nsources;
	bool lang; /* -x LANGUAGE before the source */
};

static void look(int argc, char **argv, struct compile *c)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(a, "-c") == 0)
			c->c = true;
		else if (strcmp(a, "-E") == 0 || strcmp(a, "-S") == 0 || strcmp(a, "-M") == 0 ||
			 strcmp(a, "-MM") == 0 || strcmp(a, "-fsyntax-only") == 0)
			c->other = true;
		else if (strcmp(a, "-MD") == 0 || strcmp(a, "-MMD") == 0)
			c->md = true;
		else if (starts(a, "-Wp,-MD,") || starts(a, "-Wp,-MMD,")) {
			c->md = true;
			c->mf = strchr(a + 5, ',') + 1;
		} else if (strcmp(a, "-MF") == 0 && next)
			c->mf = next;
		else if (starts(a, "-MF") && a[3])
			c->mf = a + 3;
		else if (strcmp(a, "-o") == 0 && next)
			c->output = next;
		else if (starts(a, "-o") && a[2])
			c->output = a + 2;
		else if (strcmp(a, "-x") == 0 && next)
			c->lang = strcmp(next, "none") != 0;
		else if (a[0] != '-' && (c->lang || is_source(a))) {
			c->source = a;
			c->sources[c->nsources++] = a;
		}
		if (takes_value(a))
			i++;
	}
}

/* Where `gcc -c a/b.c` puts its object without -o: "b.o"; dependencies likewise. */
static void by_default(const char *of, const char *ext, char *buf, size_t size)
{
	const char *base = strrchr(of, '/');
	int n;

	base = base ? base + 1 : of;
	n = (int)(strrchr(base, '.') ? strrchr(base, '.') - base : (ptrdiff_t)strlen(base));
	snprintf(buf, size, "%.*s%s", n, base, ext);
}

static void record_object(const char *output)
{
	char path[PATH_MAX], h[HASH_TEXT];
	struct content f;

	if (!map_file(output, &f))
		return;
	hash_text(f.data, f.len, h);
	add_str("out", whole_path(output, path));
	add_str("hash", h);
	munmap(f.data, f.len);
}

static void record_deps(const char *path)
{
	struct content f;

	if (!map_file(path, &f))
		return;
	if (!memchr(f.data, 0, f.len))
		add("deps", (const char *)f.data, f.len);
	munmap(f.data, f.len);
}

static void common(int argc, char **argv)
{
	char cwd[PATH_MAX];
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	add_str("cwd", getcwd(cwd, sizeof(cwd)) ? cwd : "");
	if (epoch)
		add_str("epoch", epoch);
	add_str("arg", tool);
	for (int i = 1; i < argc; i++)
		add_str("arg", argv[i]);
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
	look(argc, argv, &c);
	memcpy(args, argv, (size_t)argc * sizeof(*args));
	if (c.nsources == 1 && !c.other && !c.md) {
		snprintf(deps, sizeof(deps), "%s/store/.%d.d", dir, (int)getpid());
		args[n++] = (char *)"-MD";
		args[n++] = (char *)"-MF";
		args[n++] = deps;
	}
	snprintf(compiler_path, sizeof(compiler_path), "%s/bin%s%s", dir, old ? ":" : "",
		 old ? old : "");
	setenv("COMPILER_PATH", compiler_path, 1);
	/* Tells the linker's record whose it is. */
	snprintf(call, sizeof(call), "%d.%lld", (int)getpid(), (long long)time(NULL));
	setenv("SUTURE_RECORD_CALL", call, 1);
	r = run(args);
	if (r == 0 && c.nsources && !c.other) {
		common(argc, argv);
		for (size_t i = 0; i < c.nsources; i++)
			add_str("source", whole_path(c.sources[i], source));
		if (c.c) {
			by_default(c.source, ".o", output, sizeof(output));
			record_object(c.output ? c.output : output);
		} else {
			add_str("call", call);
		}
		if (!deps[0]) {
			by_default(c.output ? c.output : c.source, ".d", mf, sizeof(mf));
			if (c.output && strrchr(c.output, '/'))
				snprintf(mf, sizeof(mf), "%.*s.d",
					 (int)(strrchr(c.output, '.')
						       ? strrchr(c.output, '.') - c.output
						       : (ptrdiff_t)strlen(c.output)),
					 c.output);
		}
		record_deps(deps[0] ? deps : c.mf ? c.mf : mf);
		append("cc");
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
			if (map_file(path, &f)) {
				bool archive = f.len > 8 && memcmp(f.data, "!<arch>\n", 8) == 0;
				bool object = f.len > sizeof(Elf64_Ehdr) &&
					      memcmp(f.data, ELFMAG, SELFMAG) == 0 &&
					      ((Elf64_Ehdr *)(void *)f.data)->e_type == ET_REL;

				if (archive || object) {
					hash_text(f.data, f.len, h);
					keep(f.data, f.len, h);
					snprintf(line, sizeof(line), "%s %s", h, path);
					add_str("in", line);
					if (strcmp(whole_path(path, whole), path) != 0) {
						snprintf(line, sizeof(line), "%s", whole);
						add_str("at", line);
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

	if (!map_file(output, &out))
		return;
	if (!map_file(map_path, &map)) {
		complain("%s: %s has no link map", tool, output);
		munmap(out.data, out.len);
		return;
	}
	common(argc, argv);
	if (call)
		add_str("call", call);
	add_str("out", whole_path(output, path));
	hash_text(out.data, out.len, h);
	keep(out.data, out.len, h);
	add_str("hash", h);
	hash_text(map.data, map.len, h);
	keep(map.data, map.len, h);
	add_str("map", h);
	keep_inputs(&map);
	append("ld");
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
		snprintf(own, sizeof(own), "%s/store/.%d.map", dir, (int)getpid());
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
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;
	static char name[NAME_MAX + 1];

	if (n > 0)
		dir[n] = 0;
	slash = n > 0 ? strrchr(dir, '/') : NULL;
	if (!slash || argc < 1 || argc > ARGS_MAX)
		return 127;
	snprintf(name, sizeof(name), "%s", slash + 1);
	tool = name;
	*slash = 0;
	slash = strrchr(dir, '/');
	if (!slash || strcmp(slash, "/bin") != 0) {
		fprintf(stderr, "%s: is started by suture-build under the name of a compiler\n",
			name);
		return 127;
	}
	*slash = 0;
	find_real();
	/* Drivers look for their own parts beside argv[0]. */
	argv[0] = real_tool;
	if (strcmp(tool, "ld") == 0 || starts(tool, "ld.") || strstr(tool, "-ld"))
		return linker(argc, argv);
	return compiler(argc, argv);
}
