// SPDX-License-Identifier: Apache-2.0
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 30 };

char record_dir[PATH_MAX];
const char *record_tool;
static char *record; /* what goes to the log */
static size_t record_len, record_cap;

void complain(const char *fmt, ...)
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
	snprintf(path, sizeof(path), "%s/errors", record_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	if (write(fd, text, (size_t)n) < 0)
		n = 0; /* there is nobody else to tell */
	close(fd);
}

void record_add(const char *key, const char *value, size_t len)
{
	size_t need = record_len + strlen(key) + len + 2;

	if (need > record_cap) {
		size_t cap = need * 2;
		char *p = realloc(record, cap);

		if (!p) {
			complain("%s: out of memory", record_tool);
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

void record_add_str(const char *key, const char *value)
{
	record_add(key, value, strlen(value));
}

/* One write to a file opened for appending: records of tools that run side by side do not mix. */
void record_append(const char *kind)
{
	char path[PATH_MAX + 16], head[64];
	int n = snprintf(head, sizeof(head), "SUTREC1 %s %zu\n", kind, record_len);
	char *all = malloc((size_t)n + record_len);
	int fd;

	snprintf(path, sizeof(path), "%s/log", record_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (!all || fd < 0) {
		complain("%s: cannot write the log: %s", record_tool, strerror(errno));
	} else {
		memcpy(all, head, (size_t)n);
		memcpy(all + n, record, record_len);
		if (write(fd, all, (size_t)n + record_len) != (ssize_t)((size_t)n + record_len))
			complain("%s: the log is not whole: %s", record_tool, strerror(errno));
	}
	free(all);
	if (fd >= 0)
		close(fd);
}

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

bool record_keep(const uint8_t *data, size_t len, const char *name)
{
	char path[PATH_MAX + 64], tmp[PATH_MAX + 64];
	bool ok = true;
	int fd;

	snprintf(path, sizeof(path), "%s/store/%s", record_dir, name);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(tmp, sizeof(tmp), "%s/store/.%d", record_dir, (int)getpid());
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		complain("%s: cannot keep %s: %s", record_tool, name, strerror(errno));
		return false;
	}
	write_all(fd, data, len, &ok);
	close(fd);
	if (ok && rename(tmp, path) == 0)
		return true;
	complain("%s: cannot keep %s: %s", record_tool, name, strerror(errno));
	unlink(tmp);
	return false;
}

bool record_map(const char *path, struct content *ret)
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

const char *whole_path(const char *path, char buf[static PATH_MAX])
{
	return realpath(path, buf) ? buf : path;
}
