// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "sample_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "wire/wire.h"

enum { HALVES = 2, ANSWERS_MAX = 16, WORDS_MAX = 32 };

struct answer {
	char *verb, *messages, *file;
	json_t *asked;
};

static struct {
	char *root;
	int sockets[HALVES], stop;
	struct answer answers[HALVES][ANSWERS_MAX];
	size_t calls;
	pthread_t thread;
	pthread_mutex_t lock;
} w = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *sample_agent_root(void)
{
	return w.root;
}

static struct answer *find(enum sample_half half, const char *verb)
{
	struct answer *a = w.answers[half];

	for (size_t i = 0; i < ANSWERS_MAX; i++, a++) {
		if (!a->verb)
			a->verb = strdup(verb);
		if (sut_streq(a->verb, verb))
			return a;
	}
	abort();
}

static char *file_of(const struct wire_fds *fds)
{
	char *text = calloc(1, 4096);

	if (fds->n == 0 || !text || pread(fds->v[0], text, 4095, 0) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void serve(enum sample_half half)
{
	int fd = accept4(w.sockets[half], NULL, NULL, SOCK_CLOEXEC);
	struct wire_fds fds = {0};
	json_t *request = NULL;
	struct answer *a;
	char *copy, *save = NULL;

	if (fd < 0 || wire_receive(fd, 5000, &request, &fds, NULL) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	pthread_mutex_lock(&w.lock);
	w.calls++;
	a = find(half, json_string_value(json_object_get(request, "verb")));
	json_decref(a->asked);
	a->asked = request;
	free(a->file);
	a->file = file_of(&fds);
	copy = strdup(a->messages ? a->messages
				  : "{\"ok\": false, \"error\": {\"reason\": \"request\", "
				    "\"message\": \"there is no such verb\", \"errno\": 22}}");
	pthread_mutex_unlock(&w.lock);
	for (char *m = strtok_r(copy, "\n", &save); m; m = strtok_r(NULL, "\n", &save))
		if (send(fd, m, strlen(m), MSG_NOSIGNAL | MSG_EOR) < 0)
			break;
	free(copy);
	wire_fds_release(&fds);
	close(fd);
}

static void *run(void *arg _unused_)
{
	for (;;) {
		struct pollfd p[HALVES + 1] = {{w.stop, POLLIN, 0}};

		pthread_mutex_lock(&w.lock);
		for (int i = 0; i < HALVES; i++)
			p[i + 1] = (struct pollfd){w.sockets[i], POLLIN, 0};
		pthread_mutex_unlock(&w.lock);
		if (poll(p, HALVES + 1, -1) < 0)
			continue;
		if (p[0].revents)
			return NULL;
		for (int i = 0; i < HALVES; i++)
			if (p[i + 1].revents & POLLIN)
				serve((enum sample_half)i);
	}
}

static void start_thread(void)
{
	w.stop = eventfd(0, EFD_CLOEXEC);
	assert_true(w.stop >= 0);
	assert_int_equal(pthread_create(&w.thread, NULL, run, NULL), 0);
}

static void stop_thread(void)
{
	uint64_t one = 1;

	assert_int_equal(write(w.stop, &one, sizeof(one)), sizeof(one));
	pthread_join(w.thread, NULL);
	close(w.stop);
}

static const char *const paths[] =
	{[SAMPLE_NETWORK] = AGENT_SOCKET, [SAMPLE_APPLY] = AGENT_APPLY_SOCKET};

static void open_socket(enum sample_half half)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s%s", w.root, paths[half]);
	unlink(addr.sun_path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 8), 0);
	w.sockets[half] = fd;
}

void sample_agent_listen(enum sample_half half, bool yes)
{
	stop_thread();
	if (w.sockets[half] >= 0)
		close(w.sockets[half]);
	w.sockets[half] = -1;
	if (yes)
		open_socket(half);
	start_thread();
}

void sample_agent_start(void)
{
	char path[128];

	assert_int_equal(sut_tmpdir("agent", &w.root, NULL), 0);
	snprintf(path, sizeof(path), "%s%s", w.root, AGENT_RUN);
	assert_int_equal(sut_mkdir_p(path, NULL), 0);
	snprintf(path, sizeof(path), "%s/etc/suture", w.root);
	assert_int_equal(sut_mkdir_p(path, NULL), 0);
	open_socket(SAMPLE_NETWORK);
	open_socket(SAMPLE_APPLY);
	start_thread();
	setenv("SUTURE_ROOT", w.root, 1);
}

void sample_agent_stop(void)
{
	stop_thread();
	for (int i = 0; i < HALVES; i++) {
		if (w.sockets[i] >= 0)
			close(w.sockets[i]);
		for (size_t k = 0; k < ANSWERS_MAX; k++) {
			struct answer *a = &w.answers[i][k];

			free(a->verb);
			free(a->messages);
			free(a->file);
			json_decref(a->asked);
			*a = (struct answer){0};
		}
	}
	w.calls = 0;
	unsetenv("SUTURE_ROOT");
	assert_int_equal(sut_rm_rf(w.root, NULL), 0);
	free(w.root);
	w.root = NULL;
}

void sample_agent_answer(enum sample_half half, const char *verb, const char *messages)
{
	struct answer *a;

	pthread_mutex_lock(&w.lock);
	a = find(half, verb);
	free(a->messages);
	a->messages = messages ? strdup(messages) : NULL;
	pthread_mutex_unlock(&w.lock);
}

const json_t *sample_agent_asked(enum sample_half half, const char *verb)
{
	const json_t *j;

	pthread_mutex_lock(&w.lock);
	j = find(half, verb)->asked;
	pthread_mutex_unlock(&w.lock);
	return j;
}

const char *sample_agent_file(enum sample_half half, const char *verb)
{
	const char *s;

	pthread_mutex_lock(&w.lock);
	s = find(half, verb)->file;
	pthread_mutex_unlock(&w.lock);
	return s;
}

size_t sample_agent_calls(void)
{
	size_t n;

	pthread_mutex_lock(&w.lock);
	n = w.calls;
	pthread_mutex_unlock(&w.lock);
	return n;
}

/* A file without a name in the place of a stream; gives the old one. */
static int replace(int stream, int *ret_new, const char *content)
{
	int old = fcntl(stream, F_DUPFD_CLOEXEC, 10);
	char name[] = "/tmp/suture-said.XXXXXX";
	int fd = mkstemp(name);

	assert_true(old >= 0 && fd >= 0);
	unlink(name);
	if (content) {
		assert_int_equal(write(fd, content, strlen(content)), strlen(content));
		lseek(fd, 0, SEEK_SET);
	}
	assert_true(dup2(fd, stream) == stream);
	*ret_new = fd;
	return old;
}

static void restore(int stream, int old, int fd, char *ret, size_t len)
{
	ssize_t n = ret ? pread(fd, ret, len - 1, 0) : 0;

	assert_true(n >= 0);
	if (ret)
		ret[n] = '\0';
	dup2(old, stream);
	close(old);
	close(fd);
}

void sample_agent_run(int (*cmd)(int, char **), const char *words, const char *in,
		      struct sample_said *ret)
{
	char *copy = strdup(words), *argv[WORDS_MAX + 1] = {NULL}, *save = NULL;
	int argc = 0, fds[3], old[3];

	assert_non_null(copy);
	for (char *p = strtok_r(copy, " ", &save); p && argc < WORDS_MAX;
	     p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	fflush(NULL);
	old[0] = replace(STDIN_FILENO, &fds[0], in ? in : "");
	old[1] = replace(STDOUT_FILENO, &fds[1], NULL);
	old[2] = replace(STDERR_FILENO, &fds[2], NULL);
	ret->exit = cmd(argc, argv);
	fflush(NULL);
	restore(STDIN_FILENO, old[0], fds[0], NULL, 0);
	restore(STDOUT_FILENO, old[1], fds[1], ret->out, sizeof(ret->out));
	restore(STDERR_FILENO, old[2], fds[2], ret->err, sizeof(ret->err));
	free(copy);
}
