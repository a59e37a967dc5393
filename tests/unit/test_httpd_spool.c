// SPDX-License-Identifier: Apache-2.0
/* Bodies that go to a file. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_httpd.h"

enum { MAX = 3 << 20, LARGE = 2 << 20 };

static struct sample_httpd site;
static char *dir;
static int dir_fd = -1;
static _Atomic unsigned int asked, handled;

/* Says how many bytes there are, and keeps them when the path asks for it. */
static void handle(void *ctx _unused_, struct sut_hreq *q)
{
	uint64_t len = 0;
	int fd = sut_hreq_body_fd(q, &len), kept = -1;
	size_t in_memory;
	char text[100];
	int n;

	atomic_fetch_add(&handled, 1);
	(void)sut_hreq_body(q, &in_memory);
	if (sut_endswith(sut_hreq_path(q), "/keep"))
		kept = sut_hreq_body_keep(q, "kept");
	n = snprintf(text, sizeof(text), "%s %llu %zu %d %d", fd >= 0 ? "file" : "memory",
		     (unsigned long long)len, in_memory, kept,
		     kept == 0 ? sut_hreq_body_keep(q, "again") : 0);
	sut_hreq_answer(q, &(struct sut_hresp){.status = 200, .body = text, .len = (size_t)n});
}

static int spool(void *ctx _unused_, const struct sut_hreq *q, uint64_t *ret_max)
{
	*ret_max = MAX;
	return sut_startswith(sut_hreq_path(q), "/spool") ? dir_fd : -1;
}

static size_t limit(void *ctx _unused_, const char *method _unused_, const char *path)
{
	return sut_startswith(path, "/large") ? 2 * LARGE : 1 << 20;
}

static void *decide(void *arg)
{
	struct sut_hreq *q = arg;

	if (strstr(sut_hreq_path(q), "/no"))
		sut_hreq_answer(q, &(struct sut_hresp){.status = 401, .body = "no", .len = 2});
	else
		sut_hreq_admit(q);
	return NULL;
}

/* ".../later": from another thread, when the connection is suspended. */
static void admit(void *ctx _unused_, struct sut_hreq *q)
{
	pthread_t t;

	atomic_fetch_add(&asked, 1);
	if (!sut_endswith(sut_hreq_path(q), "/later")) {
		decide(q);
		return;
	}
	assert_int_equal(pthread_create(&t, NULL, decide, q), 0);
	pthread_detach(t);
}

static int start(void **state _unused_)
{
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	const struct sut_httpd_opts opts = {.listen = listen,
					    .handle = handle,
					    .spool = spool,
					    .spools = 2,
					    .admit = admit,
					    .body_limit = limit};

	assert_int_equal(sut_tmpdir("spool", &dir, NULL), 0);
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sut_httpd_start(&opts, &site.h, NULL), 0);
	site.port = sut_httpd_port(site.h, 0);
	return 0;
}

static int stop(void **state _unused_)
{
	sut_httpd_stop(site.h);
	close(dir_fd);
	assert_int_equal(sut_rm_rf(dir, NULL), 0);
	free(dir);
	return 0;
}

static unsigned int files(void)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static int send_body(const char *path, size_t len, const char *encoding, const char **text)
{
	_cleanup_(sut_freep) char *body = malloc(len + 1);
	_cleanup_(sut_freep) char *head = NULL;
	int fd = sample_connect(&site), status;

	assert_non_null(body);
	memset(body, 'x', len);
	if (encoding)
		head = sut_sprintf(
			"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
			path, len);
	else
		head = sut_sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
				   path, len);
	sample_sends(fd, head);
	sample_send(fd, body, len);
	if (encoding)
		sample_sends(fd, "\r\n0\r\n\r\n");
	status = sample_answer(fd, false, text);
	close(fd);
	return status;
}

/* A place is free again when the answer before is gone. */
static int send_when_free(const char *path, size_t len, const char *encoding, const char **text)
{
	int status = 503;

	for (int i = 0; status == 503 && i < 100; i++) {
		status = send_body(path, len, encoding, text);
		if (status == 503)
			usleep(50000);
	}
	return status;
}

static void large_bodies_go_to_a_file_without_a_name(void **state _unused_)
{
	const char *text;

	assert_int_equal(send_when_free("/spool", 2 << 20, NULL, &text), 200);
	assert_non_null(strstr(text, "file 2097152 0"));
	assert_int_equal(send_when_free("/spool", 2 << 20, "chunked", &text), 200);
	assert_non_null(strstr(text, "file 2097152 0"));
	assert_int_equal(send_when_free("/other", 100, NULL, &text), 200);
	assert_non_null(strstr(text, "memory 0 100"));
	assert_int_equal(files(), 0);
}

static void one_that_is_kept_is_whole(void **state _unused_)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/kept", dir);
	const char *text;
	struct stat st;

	assert_int_equal(send_when_free("/spool/keep", 100000, NULL, &text), 200);
	assert_non_null(strstr(text, "file 100000 0 0 -2"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 100000);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* the name is taken */
	assert_int_equal(send_when_free("/spool/keep", 100, NULL, &text), 200);
	assert_non_null(strstr(text, "file 100 0 -17"));
	assert_int_equal(unlink(path), 0);
}

static void too_large_ones_are_refused(void **state _unused_)
{
	const char *text;
	int fd = sample_connect(&site);

	sample_sends(fd, "POST /spool HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
	assert_int_equal(sample_answer(fd, false, &text), 413);
	close(fd);
	/* and those that do not say so before */
	assert_int_equal(send_when_free("/spool", MAX + 1, "chunked", &text), 413);
	assert_int_equal(send_when_free("/spool", MAX, "chunked", &text), 200);
	assert_int_equal(files(), 0);
}

static void one_that_breaks_off_leaves_nothing(void **state _unused_)
{
	int fd = sample_connect(&site);
	const char *text;

	sample_sends(fd,
		     "POST /spool/keep HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nxxx");
	/* An end that comes together with data is seen at the deadline only. */
	usleep(200000);
	close(fd);
	/* its place is free again: there are only two */
	for (int i = 0; i < 3; i++)
		assert_int_equal(send_when_free("/spool", 10, NULL, &text), 200);
	assert_int_equal(files(), 0);
}

static void only_so_many_at_a_time(void **state _unused_)
{
	int fd[2];
	const char *text;

	usleep(200000);
	for (int i = 0; i < 2; i++) {
		fd[i] = sample_connect(&site);
		sample_sends(fd[i],
			     "POST /spool HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx");
	}
	usleep(200000);
	assert_int_equal(send_body("/spool", 10, NULL, &text), 503);
	assert_int_equal(send_body("/other", 10, NULL, &text), 200);
	for (int i = 0; i < 2; i++) {
		sample_sends(fd[i], "xxxxxxxxx");
		assert_int_equal(sample_answer(fd[i], false, &text), 200);
		close(fd[i]);
	}
	assert_int_equal(send_when_free("/spool", 10, NULL, &text), 200);
}

/* Of a body that nobody sends: the answer does not wait for it. */
static int only_head(const char *path, const char *more)
{
	_cleanup_(sut_freep) char *head =
		sut_sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, more);
	int fd = sample_connect(&site), status;
	const char *text;

	sample_sends(fd, head);
	status = sample_answer(fd, false, &text);
	assert_true(sample_ended(fd, &text));
	close(fd);
	return status;
}

static void who_may_not_send_it_is_told_before_it_comes(void **state _unused_)
{
	static const char *const paths[] = {"/spool/no", "/spool/no/later", "/large/no",
					    "/large/no/later"};
	unsigned int before = atomic_load(&handled);
	const char *text;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		/* More than there are places: none is taken. */
		for (int n = 0; n < 4; n++) {
			assert_int_equal(only_head(paths[i], "Content-Length: 1099511627776\r\n"),
					 401);
			assert_int_equal(only_head(paths[i], "Transfer-Encoding: chunked\r\n"),
					 401);
			assert_int_equal(
				only_head(paths[i],
					  "Content-Length: 2000000\r\nExpect: 100-continue\r\n"),
				401);
		}
		/* Who writes all before he reads sees it as well, when it is not too much. */
		assert_int_equal(send_body(paths[i], LARGE, NULL, &text), 401);
	}
	assert_int_equal(atomic_load(&handled), before);
	assert_int_equal(files(), 0);
}

static void who_may_is_asked_once(void **state _unused_)
{
	static const char *const paths[] = {"/spool/yes", "/spool/yes/later"};
	unsigned int before = atomic_load(&asked);
	const char *text;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		assert_int_equal(send_when_free(paths[i], LARGE, NULL, &text), 200);
		assert_non_null(strstr(text, "file 2097152 0"));
		assert_int_equal(send_when_free(paths[i], LARGE, "chunked", &text), 200);
		assert_non_null(strstr(text, "file 2097152 0"));
		assert_int_equal(send_when_free(paths[i], 0, NULL, &text), 200);
		assert_non_null(strstr(text, "file 0 0"));
	}
	assert_true(atomic_load(&asked) >= before + 6);
	before = atomic_load(&asked);
	assert_int_equal(send_body("/large/later", LARGE, NULL, &text), 200);
	assert_non_null(strstr(text, "memory 0 2097152"));
	assert_int_equal(atomic_load(&asked), before + 1);
	/* What every call may send is nobody's to ask. */
	assert_int_equal(send_body("/large/later", 1000, NULL, &text), 200);
	assert_int_equal(send_body("/other", 1000, NULL, &text), 200);
	assert_int_equal(atomic_load(&asked), before + 1);
}

/* One that waits for a decision when the server ends, and then gets it. */
static struct sut_hreq *waiting;
static _Atomic bool waits;

static void keep_waiting(void *ctx _unused_, struct sut_hreq *q)
{
	waiting = q;
	atomic_store(&waits, true);
}

static bool it_waits(void *arg _unused_)
{
	return atomic_load(&waits);
}

static void a_decision_after_the_end_only_frees(void **state _unused_)
{
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	const struct sut_httpd_opts opts = {
		.listen = listen, .handle = handle, .spool = spool, .admit = keep_waiting};
	struct sample_httpd s = {0};
	int fd;

	assert_int_equal(sut_httpd_start(&opts, &s.h, NULL), 0);
	s.port = sut_httpd_port(s.h, 0);
	fd = sample_connect(&s);
	sample_sends(fd, "POST /spool HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
	assert_true(sample_wait(it_waits, NULL));
	sut_httpd_stop(s.h);
	sut_hreq_admit(waiting);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_bodies_go_to_a_file_without_a_name),
		cmocka_unit_test(one_that_is_kept_is_whole),
		cmocka_unit_test(too_large_ones_are_refused),
		cmocka_unit_test(one_that_breaks_off_leaves_nothing),
		cmocka_unit_test(only_so_many_at_a_time),
		cmocka_unit_test(who_may_not_send_it_is_told_before_it_comes),
		cmocka_unit_test(who_may_is_asked_once),
		cmocka_unit_test(a_decision_after_the_end_only_frees),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
