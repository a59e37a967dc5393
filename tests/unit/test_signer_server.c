// SPDX-License-Identifier: Apache-2.0
/* The socket of the signer, with the loop in a child process and clients in this one. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "signer/server.h"

struct fixture {
	char *dir;
	char path[100];
	struct sut_signer_config config;
	pid_t pid;
};

static volatile sig_atomic_t stop;

static void on_term(int sig _unused_)
{
	stop = 1;
}

static void quiet(const char *line _unused_)
{
}

/* Ends with 0 when it was asked to end. */
static int child(const struct fixture *f, int fd, const struct sut_signer_allowed *a,
		 const sigset_t *unblocked)
{
	struct sut_signer s = {.metadata = f->dir, .dir = f->dir};
	struct sut_server_opts o = {.allowed = a, .seconds = 2, .log = quiet, .stop = &stop};
	struct sigaction term = {.sa_handler = on_term};
	struct sut_err err;

	sigaction(SIGTERM, &term, NULL);
	o.unblocked = unblocked;
	alarm(60);
	return sut_server_run(fd, &s, &o, &err) < 0;
}

static void serve(struct fixture *f, const struct sut_signer_allowed *a)
{
	struct sut_err err;
	sigset_t set, old;
	int fd = -1;

	assert_ok(sut_server_listen(&f->config, &fd, &err), err);
	/* The test may be over before the child has its handler. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		_exit(child(f, fd, a, &old));
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sut_err err;

	assert_ok(sut_tmpdir("suture-signer", &f->dir, &err), err);
	snprintf(f->path, sizeof(f->path), "%s/signer.sock", f->dir);
	f->config.socket = f->path;
	f->config.socket_group = (char *)"";
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;
	int status = 0;

	if (f->pid) {
		kill(f->pid, SIGTERM);
		assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	}
	assert_int_equal(status, 0);
	assert_ok(sut_rm_rf(f->dir, &err), err);
	free(f->dir);
	free(f);
	return 0;
}

static void serve_us(struct fixture *f)
{
	const struct sut_signer_allowed us = {.uids = {geteuid()}, .nuids = 1};

	serve(f, &us);
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void assert_answers(const struct fixture *f)
{
	struct sut_err err = {0};
	json_t *j = NULL;

	assert_ok(sut_signer_status(f->path, &j, &err), err);
	assert_true(json_is_integer(json_object_get(j, "snapshot_version")));
	json_decref(j);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void allowed_user_gets_an_answer(void **state)
{
	struct fixture *f = *state;

	serve_us(f);
	for (int i = 0; i < 100; i++)
		assert_answers(f);
}

static void user_who_is_not_allowed_is_refused(void **state)
{
	const struct sut_signer_allowed others = {
		.uids = {geteuid() + 1}, .nuids = 1, .gids = {getegid() + 1}, .ngids = 1};
	struct fixture *f = *state;
	struct sut_err err = {0};
	json_t *j = NULL;

	serve(f, &others);
	assert_int_equal(sut_signer_status(f->path, &j, &err), -EACCES);
	assert_string_equal(err.reason, "permission");
	assert_null(j);
}

static void group_is_enough(void **state)
{
	const struct sut_signer_allowed group = {.gids = {getegid()}, .ngids = 1};

	serve(*state, &group);
	assert_answers(*state);
}

/* One that sends half a request and one that never takes its answer. */
static void stuck_clients_do_not_hold_up_others(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_closep) int half = -1, deaf = -1;
	static const uint8_t begin[] = {0, 0, 1, 0, '{'};
	static const uint8_t whole[] = "\0\0\0\017{\"op\":\"status\"}";
	char c;
	double t;

	serve_us(f);
	half = dial(f);
	deaf = dial(f);
	assert_int_equal(write(half, begin, sizeof(begin)), sizeof(begin));
	assert_int_equal(write(deaf, whole, sizeof(whole) - 1), sizeof(whole) - 1);
	t = seconds();
	assert_answers(f);
	assert_true(seconds() - t < 1);
	/* And their time ends (2 s here). */
	assert_int_equal(read(half, &c, 1), 0);
	t = seconds() - t;
	assert_true(t > 1 && t < 10);
	assert_answers(f);
}

static void more_connections_than_places_do_not_shut_others_out(void **state)
{
	struct fixture *f = *state;
	int fds[SUT_SERVER_CONNECTIONS + 4];

	serve_us(f);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(fds); i++)
		fds[i] = dial(f);
	assert_answers(f);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	assert_answers(f);
}

/* What the server says to raw bytes; the number of bytes. */
static size_t exchange(const struct fixture *f, const void *data, size_t len, char *ret, size_t max)
{
	_cleanup_(sut_closep) int fd = dial(f);
	size_t at = 0;
	ssize_t n;

	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
	shutdown(fd, SHUT_WR);
	while (at < max && (n = read(fd, ret + at, max - at)) > 0)
		at += (size_t)n;
	return at;
}

static void nonsense_is_refused_and_forgotten(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'x'};
	static const uint8_t text[] = {0, 0, 0, 3, 'a', 'b', 'c'};
	static const uint8_t none[] = {0, 0, 0, 0};
	struct fixture *f = *state;
	char b[4096];
	size_t n;

	serve_us(f);
	n = exchange(f, huge, sizeof(huge), b, sizeof(b));
	assert_true(n > 4 && memmem(b, n, "\"ok\":false", 10));
	n = exchange(f, text, sizeof(text), b, sizeof(b));
	assert_true(n > 4 && memmem(b, n, "\"reason\":\"format\"", 17));
	n = exchange(f, none, sizeof(none), b, sizeof(b));
	assert_true(n > 4 && memmem(b, n, "\"ok\":false", 10));
	assert_int_equal(exchange(f, text, 2, b, sizeof(b)), 0);
	assert_int_equal(exchange(f, text, 6, b, sizeof(b)), 0);
	assert_answers(f);
}

static void socket_is_for_user_and_group_only(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	serve_us(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void socket_of_a_dead_signer_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};
	int fd = -1;

	assert_ok(sut_server_listen(&f->config, &fd, &err), err);
	close(fd);
	serve_us(f);
	assert_answers(f);
	/* That of a living one is not, nor is what is no socket. */
	assert_int_equal(sut_server_listen(&f->config, &fd, &err), -EADDRINUSE);
	assert_answers(f);
	unlink(f->path);
	assert_ok(sut_file_write(f->path, "x", 1, 0600, &err), err);
	assert_int_equal(sut_server_listen(&f->config, &fd, &err), -EEXIST);
}

static void missing_signer_has_its_reason(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};
	json_t *j = NULL;
	int fd = -1;

	assert_int_equal(sut_signer_status(f->path, &j, &err), -ENOENT);
	assert_string_equal(err.reason, "no-signer");
	assert_ok(sut_server_listen(&f->config, &fd, &err), err);
	close(fd);
	assert_int_equal(sut_signer_status(f->path, &j, &err), -ECONNREFUSED);
	assert_string_equal(err.reason, "no-signer");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(allowed_user_gets_an_answer),
		CASE(user_who_is_not_allowed_is_refused),
		CASE(group_is_enough),
		CASE(stuck_clients_do_not_hold_up_others),
		CASE(more_connections_than_places_do_not_shut_others_out),
		CASE(nonsense_is_refused_and_forgotten),
		CASE(socket_is_for_user_and_group_only),
		CASE(socket_of_a_dead_signer_is_replaced),
		CASE(missing_signer_has_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
