// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "wire/wire.h"

struct pair {
	int a, b;
	char *dir;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int v[2];

	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, v), 0);
	p->a = v[0];
	p->b = v[1];
	assert_int_equal(sut_tmpdir("wire", &p->dir, NULL), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	close(p->a);
	close(p->b);
	(void)!sut_rm_rf(p->dir, NULL);
	free(p->dir);
	free(p);
	return 0;
}

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static json_t *parse(const char *text)
{
	json_t *j = NULL;
	struct sut_err err = {0};

	assert_ok(wire_parse(text, strlen(text), &j, &err), err);
	return j;
}

static void send_raw(int fd, const void *data, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(64 * sizeof(int))];
	} c = {0};
	struct iovec io = {(void *)(uintptr_t)data, len};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	if (n) {
		struct cmsghdr *h;

		m.msg_control = c.data;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	}
	assert_true(sendmsg(fd, &m, MSG_NOSIGNAL) >= 0);
}

/* ------------------------------------------------------------------ */

static void only_an_object_without_duplicates_is_a_message(void **state _unused_)
{
	static const char *const bad[] = {"",	  "[]",
					  "1",	  "\"x\"",
					  "{",	  "{\"a\":1} 1",
					  "{}x",  "{\"a\":1,\"a\":2}",
					  "null", "{\"a\":\"\\u0000\"}"};
	json_t *j = NULL;
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(wire_parse(bad[i], strlen(bad[i]), &j, &err), -EBADMSG);
		assert_string_equal(err.reason, "protocol");
		assert_null(j);
	}
	json_decref(parse("{}"));
}

static void nesting_ends_at_the_limit(void **state _unused_)
{
	char text[4 * WIRE_DEPTH + 64] = "";
	json_t *j = NULL;
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "{\"a\":");
	for (int i = 0; i < WIRE_DEPTH - 1; i++)
		text[n++] = '[';
	for (int i = 0; i < WIRE_DEPTH - 1; i++)
		text[n++] = ']';
	text[n++] = '}';
	assert_int_equal(wire_parse(text, n, &j, NULL), 0);
	json_decref(j);
	j = NULL;
	n = (size_t)snprintf(text, sizeof(text), "{\"a\":");
	for (int i = 0; i < WIRE_DEPTH; i++)
		text[n++] = '[';
	for (int i = 0; i < WIRE_DEPTH; i++)
		text[n++] = ']';
	text[n++] = '}';
	assert_int_equal(wire_parse(text, n, &j, NULL), -EBADMSG);
	assert_null(j);
}

static void a_message_arrives_with_its_files(void **state)
{
	struct pair *p = *state;
	struct sut_err err = {0};
	json_t *out = parse("{\"verb\":\"stage\",\"n\":[1,2]}"), *in = NULL;
	struct wire_fds fds = {.n = 2}, got = {0};
	char c[2] = "";

	for (size_t i = 0; i < 2; i++) {
		fds.v[i] = memfd_create("t", 0);
		assert_int_equal(write(fds.v[i], i ? "b" : "a", 1), 1);
	}
	assert_ok(wire_send(p->a, out, &fds, &err), err);
	assert_ok(wire_receive(p->b, 1000, &in, &got, &err), err);
	assert_true(json_equal(in, out));
	assert_int_equal(got.n, 2);
	assert_int_equal(pread(got.v[0], c, 1, 0), 1);
	assert_string_equal(c, "a");
	assert_int_equal(pread(got.v[1], c, 1, 0), 1);
	assert_string_equal(c, "b");
	/* Those that came do not go to programs that are started. */
	assert_true(fcntl(got.v[0], F_GETFD) & FD_CLOEXEC);
	wire_fds_release(&got);
	assert_int_equal(got.n, 0);
	/* Those that were sent are still the sender's. */
	assert_true(fcntl(fds.v[0], F_GETFD) >= 0);
	wire_fds_release(&fds);
	json_decref(in);
	json_decref(out);
}

static void files_that_nobody_asked_for_are_closed(void **state)
{
	struct pair *p = *state;
	size_t before = open_fds();
	int fds[64];
	json_t *j = NULL;
	struct wire_fds got = {0};
	struct sut_err err = {0};

	for (size_t i = 0; i < 64; i++)
		fds[i] = 2;
	/* Nobody wants them. */
	send_raw(p->a, "{}", 2, fds, 4);
	assert_ok(wire_receive(p->b, 1000, &j, NULL, &err), err);
	json_decref(j);
	assert_int_equal(open_fds(), before);
	/* More than allowed. */
	send_raw(p->a, "{}", 2, fds, 5);
	assert_int_equal(wire_receive(p->b, 1000, &j, &got, &err), -EBADMSG);
	assert_int_equal(got.n, 0);
	send_raw(p->a, "{}", 2, fds, 64);
	assert_int_equal(wire_receive(p->b, 1000, &j, &got, &err), -EBADMSG);
	/* Beside a message that is none. */
	send_raw(p->a, "no", 2, fds, 4);
	assert_int_equal(wire_receive(p->b, 1000, &j, &got, &err), -EBADMSG);
	assert_int_equal(got.n, 0);
	assert_int_equal(open_fds(), before);
}

static void the_longest_message_arrives_and_a_longer_one_is_refused(void **state)
{
	struct pair *p = *state;
	char *text = malloc(WIRE_MAX + 1);
	json_t *j = NULL, *long_one;
	struct sut_err err = {0};

	assert_non_null(text);
	memset(text, 'x', WIRE_MAX + 1);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + WIRE_MAX - 2, "\"}", 2);
	assert_int_equal(wire_parse(text, WIRE_MAX, &long_one, NULL), 0);
	assert_ok(wire_send(p->a, long_one, NULL, &err), err);
	assert_ok(wire_receive(p->b, 1000, &j, NULL, &err), err);
	assert_true(json_equal(j, long_one));
	json_decref(j);
	j = NULL;
	json_object_set_new(long_one, "b", json_true());
	assert_int_equal(wire_send(p->a, long_one, NULL, &err), -EMSGSIZE);
	json_decref(long_one);

	memcpy(text + WIRE_MAX - 2, "xx\"", 3);
	send_raw(p->a, text, WIRE_MAX + 1, NULL, 0);
	assert_int_equal(wire_receive(p->b, 1000, &j, NULL, &err), -EMSGSIZE);
	assert_null(j);
	/* The next one is read from its own beginning. */
	send_raw(p->a, "{}", 2, NULL, 0);
	assert_int_equal(wire_receive(p->b, 1000, &j, NULL, NULL), 0);
	json_decref(j);
	free(text);
}

static void a_small_send_buffer_is_made_larger(void **state)
{
	struct pair *p = *state;
	char *text = malloc(WIRE_MAX);
	json_t *j = NULL, *got = NULL;
	struct sut_err err = {0};
	int small = 4096;

	memset(text, 'x', WIRE_MAX);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + WIRE_MAX - 2, "\"}", 2);
	assert_int_equal(wire_parse(text, WIRE_MAX, &j, NULL), 0);
	assert_int_equal(setsockopt(p->a, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_ok(wire_send(p->a, j, NULL, &err), err);
	assert_ok(wire_receive(p->b, 1000, &got, NULL, &err), err);
	json_decref(got);
	json_decref(j);
	free(text);
}

static void silence_ends_at_the_time_given(void **state)
{
	struct pair *p = *state;
	struct sut_err err = {0};
	json_t *j = NULL;

	assert_int_equal(wire_receive(p->b, 20, &j, NULL, &err), -ETIMEDOUT);
	assert_string_equal(err.reason, "timeout");
	assert_null(j);
}

static void a_peer_that_left_is_gone(void **state)
{
	struct pair *p = *state;
	struct sut_err err = {0};
	json_t *j = NULL, *m = parse("{}");

	close(p->a);
	p->a = -1;
	assert_int_equal(wire_receive(p->b, 1000, &j, NULL, &err), -ECONNRESET);
	assert_string_equal(err.reason, "gone");
	assert_int_equal(wire_send(p->b, m, NULL, &err), -EPIPE);
	json_decref(m);
}

/* As one does who refuses without looking at the request. */
static void last_words_are_heard_of_one_who_did_not_listen(void **state)
{
	struct pair *p = *state;
	struct sut_err err = {0};
	json_t *j = NULL, *m = parse("{}");

	assert_int_equal(wire_send(p->b, m, NULL, NULL), 0);
	assert_int_equal(wire_ok(p->a, NULL), 0);
	close(p->a);
	p->a = -1;
	assert_ok(wire_receive(p->b, 1000, &j, NULL, &err), err);
	assert_true(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	j = NULL;
	assert_int_equal(wire_receive(p->b, 1000, &j, NULL, &err), -ECONNRESET);
	json_decref(m);
}

static void the_peer_is_who_the_kernel_says(void **state)
{
	struct pair *p = *state;
	struct sut_err err = {0};
	struct ucred c;

	assert_ok(wire_peer(p->a, &c, &err), err);
	assert_int_equal(c.uid, geteuid());
	assert_int_equal(c.pid, getpid());
}

static void an_error_comes_as_it_went(void **state _unused_)
{
	struct sut_err e = {0}, back;
	json_t *j;

	(void)!sut_err_reason(&e, EBUSY, "conflict", "somebody \xff else. Try\nagain");
	j = wire_error_json(&e);
	wire_error_read(j, &back);
	assert_int_equal(back.code, EBUSY);
	assert_string_equal(back.reason, "conflict");
	assert_string_equal(back.msg, e.msg);
	json_decref(j);
	/* What no friend would send can still be shown. */
	j = parse("{\"reason\":\"A B\\n\",\"message\":\"\\u001b[2J\",\"errno\":-7}");
	wire_error_read(j, &back);
	assert_int_equal(back.code, EREMOTEIO);
	assert_string_equal(back.reason, "");
	assert_string_equal(back.msg, "?[2J");
	json_decref(j);
	wire_error_read(NULL, &back);
	assert_int_equal(back.code, EREMOTEIO);
	assert_true(*back.msg);
}

/* ------------------------------------------------------------------ */

struct heard {
	int n;
	char text[64];
	json_int_t total;
};

static void hear(void *ctx, const json_t *progress)
{
	struct heard *h = ctx;

	h->n++;
	snprintf(h->text, sizeof(h->text), "%s %s %s",
		 json_string_value(json_object_get(progress, "step")),
		 json_string_value(json_object_get(progress, "state")),
		 json_string_value(json_object_get(progress, "text")));
	h->total = json_integer_value(json_object_get(progress, "total"));
	assert_non_null(json_string_value(json_object_get(progress, "at")));
}

/* A server of one call, in a process of its own. how: 'y' yes, 'n' no, 's' silent, 'g' goes, 'x' nonsense. */
static pid_t serve(int listener, char how)
{
	pid_t pid = fork();
	struct sut_err no = {0};
	json_t *j = NULL;
	int fd;

	if (pid)
		return pid;
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || wire_receive(fd, 5000, &j, NULL, NULL) < 0)
		_exit(1);
	json_decref(j);
	(void)!sut_err_reason(&no, ENOEXEC, "wrong-kernel", "not for us");
	if (how == 'y' || how == 'n') {
		(void)!wire_progress(fd, "download", "begin", NULL, 0, 0);
		(void)!wire_progress(fd, "download", "note", "half", 5, 10);
	}
	if (how == 'y')
		(void)!wire_ok(fd, json_pack("{s:i}", "n", 7));
	else if (how == 'n')
		(void)!wire_fail(fd, &no, json_pack("{s:i}", "n", 8));
	else if (how == 'x')
		send_raw(fd, "{\"a\":1}", 7, NULL, 0);
	else if (how == 's')
		(void)!wire_receive(fd, 5000, &j, NULL, NULL);
	_exit(0);
}

static int call(const char *path, char how, struct heard *h, json_t **ret, struct sut_err *err)
{
	json_t *request = parse("{\"verb\":\"status\"}");
	struct sut_err e = {0};
	int listener, status, r;
	pid_t pid;

	assert_ok(wire_listen(path, 0600, (gid_t)-1, &listener, &e), e);
	pid = serve(listener, how);
	r = wire_call(path, request, NULL, how == 's' ? 50 : 5000, hear, h, ret, err);
	close(listener);
	json_decref(request);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return r;
}

static void a_call_gives_progress_and_the_answer(void **state)
{
	struct pair *p = *state;
	char *path = sut_sprintf("%s/s", p->dir);
	struct heard h = {0};
	struct sut_err err = {0};
	json_t *answer = NULL;

	assert_ok(call(path, 'y', &h, &answer, &err), err);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.text, "download note half");
	assert_int_equal(h.total, 10);
	assert_int_equal(json_integer_value(json_object_get(answer, "n")), 7);
	json_decref(answer);
	answer = NULL;
	assert_int_equal(call(path, 'n', &h, &answer, &err), -ENOEXEC);
	assert_string_equal(err.reason, "wrong-kernel");
	assert_string_equal(err.msg, "not for us");
	assert_int_equal(json_integer_value(json_object_get(answer, "n")), 8);
	json_decref(answer);
	free(path);
}

static void a_call_ends_when_the_other_side_does_not_answer(void **state)
{
	struct pair *p = *state;
	char *path = sut_sprintf("%s/s", p->dir);
	struct heard h = {0};
	struct sut_err err = {0};
	json_t *answer = NULL;
	size_t before = open_fds();

	assert_int_equal(call(path, 's', &h, &answer, &err), -ETIMEDOUT);
	assert_int_equal(call(path, 'g', &h, &answer, &err), -ECONNRESET);
	assert_int_equal(call(path, 'x', &h, &answer, &err), -EBADMSG);
	assert_null(answer);
	assert_int_equal(open_fds(), before);
	free(path);
}

static void nobody_there_is_said(void **state)
{
	struct pair *p = *state;
	char *path = sut_sprintf("%s/s", p->dir);
	struct sut_err err = {0};
	int fd = -1;

	assert_int_equal(wire_connect(path, &fd, &err), -ENOENT);
	assert_string_equal(err.reason, "no-agent");
	assert_ok(wire_listen(path, 0600, (gid_t)-1, &fd, &err), err);
	close(fd);
	fd = -1;
	assert_int_equal(wire_connect(path, &fd, &err), -ECONNREFUSED);
	assert_string_equal(err.reason, "no-agent");
	assert_int_equal(fd, -1);
	free(path);
}

static void a_socket_of_a_dead_one_is_replaced_and_of_a_live_one_not(void **state)
{
	struct pair *p = *state;
	char *path = sut_sprintf("%s/s", p->dir);
	struct sut_err err = {0};
	int first, second = -1, third;
	struct stat st;

	assert_ok(wire_listen(path, 0660, getegid(), &first, &err), err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(wire_listen(path, 0660, (gid_t)-1, &second, &err), -EADDRINUSE);
	assert_int_equal(second, -1);
	close(first);
	assert_ok(wire_listen(path, 0600, (gid_t)-1, &third, &err), err);
	close(third);
	/* What is no socket is left alone. */
	unlink(path);
	assert_ok(sut_file_write(path, "x", 1, 0600, &err), err);
	assert_int_equal(wire_listen(path, 0600, (gid_t)-1, &third, &err), -EEXIST);
	free(path);
}

static void a_path_longer_than_an_address_works(void **state)
{
	struct pair *p = *state;
	char *dir = sut_sprintf("%s/%0100d", p->dir, 0), *path = sut_sprintf("%s/s", dir);
	size_t before = open_fds();
	struct sut_err err = {0};
	int listener, fd = -1;

	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(wire_listen(path, 0600, (gid_t)-1, &listener, &err), err);
	assert_ok(wire_connect(path, &fd, &err), err);
	close(fd);
	close(listener);
	assert_int_equal(open_fds(), before);
	free(path);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_an_object_without_duplicates_is_a_message),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test_setup_teardown(a_message_arrives_with_its_files, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_nobody_asked_for_are_closed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			the_longest_message_arrives_and_a_longer_one_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_small_send_buffer_is_made_larger, setup,
						teardown),
		cmocka_unit_test_setup_teardown(silence_ends_at_the_time_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_left_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(last_words_are_heard_of_one_who_did_not_listen,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_peer_is_who_the_kernel_says, setup, teardown),
		cmocka_unit_test(an_error_comes_as_it_went),
		cmocka_unit_test_setup_teardown(a_call_gives_progress_and_the_answer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_call_ends_when_the_other_side_does_not_answer,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_socket_of_a_dead_one_is_replaced_and_of_a_live_one_not, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_longer_than_an_address_works, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
