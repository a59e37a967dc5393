// SPDX-License-Identifier: Apache-2.0
/* The thread that waits for a console's jobs, against a small server on a socket of 127.0.0.1. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/minisign.h"
#include "job/httpsig.h"
#include "job/manifest.h"
#include "job/result.h"
#include "sutured/console.h"
#include "sutured/job.h"
#include "sutured/packages.h"
#include "sutured/worker.h"

enum { REQUESTS_MAX = 64, PATIENCE_MS = 10000 };

struct request {
	char method[8], path[512], host[64];
	char input[SUT_HTTPSIG_MAX + 1], signature[512], digest[128];
	char *body;
};

/* One connection at a time; a poll is held until it is let go or the client is gone. */
static struct server {
	int fd;
	unsigned int port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int poll_status, result_status, packages_status, retry_after;
	atomic_bool hold;	/* polls without jobs are held */
	_Atomic(char *) jobs;	/* the answer to the next poll; taken by it */
	_Atomic(char *) always; /* … and to all others; not taken */
	pthread_mutex_t lock;
	struct request v[REQUESTS_MAX];
	size_t n;
} server;

static void copy_header(const char *line, const char *name, char *to, size_t size)
{
	if (strncasecmp(line, name, strlen(name)) == 0)
		(void)snprintf(to, size, "%s", line + strlen(name));
}

static bool take(int fd, struct request *r)
{
	char head[16384], *end = NULL, *line, *next;
	size_t n = 0, len = 0, have;

	while (!end) {
		ssize_t got = read(fd, head + n, sizeof(head) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	*end = '\0';
	have = n - (size_t)(end + 4 - head);
	(void)sscanf(head, "%7s %511s", r->method, r->path);
	for (line = strstr(head, "\r\n"); line; line = next) {
		char number[16] = "0";
		uint64_t v = 0;

		line += 2;
		next = strstr(line, "\r\n");
		if (next)
			*next = '\0';
		copy_header(line, "Host: ", r->host, sizeof(r->host));
		copy_header(line, "Signature-Input: ", r->input, sizeof(r->input));
		copy_header(line, "Signature: ", r->signature, sizeof(r->signature));
		copy_header(line, "Content-Digest: ", r->digest, sizeof(r->digest));
		copy_header(line, "Content-Length: ", number, sizeof(number));
		if (sut_parse_u64(number, 1 << 20, &v) == 0)
			len += v;
	}
	r->body = calloc(1, len + 1);
	memcpy(r->body, end + 4, have);
	while (have < len) {
		ssize_t got = read(fd, r->body + have, len - have);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static void say(int fd, int status, const char *body)
{
	char head[256];

	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nRetry-After: %d\r\n\r\n", status,
		       strlen(body), (int)server.retry_after);
	if (send(fd, head, strlen(head), MSG_NOSIGNAL) > 0 && *body)
		(void)!send(fd, body, strlen(body), MSG_NOSIGNAL);
}

static void answer_poll(int fd)
{
	char *jobs = atomic_exchange(&server.jobs, NULL);

	while (!jobs && !server.always && server.hold && !server.stop) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		/* The client is gone. */
		if (poll(&p, 1, 10) > 0)
			return;
		jobs = atomic_exchange(&server.jobs, NULL);
	}
	if (server.poll_status != 200)
		say(fd, server.poll_status, "");
	else if (jobs || server.always)
		say(fd, 200, jobs ? jobs : server.always);
	else
		say(fd, 204, "");
	free(jobs);
}

static void *serve(void *arg _unused_)
{
	while (!server.stop) {
		struct pollfd p = {.fd = server.fd, .events = POLLIN};
		struct request r = {0};
		int fd;

		if (poll(&p, 1, 20) <= 0)
			continue;
		fd = accept(server.fd, NULL, NULL);
		while (fd >= 0 && !server.stop && take(fd, &r)) {
			bool post = strcmp(r.method, "POST") == 0;
			bool put = strcmp(r.method, "PUT") == 0;

			pthread_mutex_lock(&server.lock);
			if (server.n < REQUESTS_MAX)
				server.v[server.n++] = r;
			else
				free(r.body);
			pthread_mutex_unlock(&server.lock);
			r = (struct request){0};
			if (put)
				say(fd, server.packages_status, "");
			else if (post)
				say(fd, server.result_status, "");
			else
				answer_poll(fd);
			/* One connection after the other: the next may be for a result. */
			break;
		}
		free(r.body);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* The i-th request of this method, from 0; NULL: it has not come. The body stays the server's. */
static bool find(const char *method, size_t i, struct request *ret)
{
	bool found = false;

	pthread_mutex_lock(&server.lock);
	for (size_t k = 0; k < server.n && !found; k++)
		if (strcmp(server.v[k].method, method) == 0 && i-- == 0) {
			*ret = server.v[k];
			found = true;
		}
	pthread_mutex_unlock(&server.lock);
	return found;
}

static int64_t ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static struct request comes(const char *method, size_t i)
{
	struct request r = {0};

	for (int64_t end = ms() + PATIENCE_MS; !find(method, i, &r);) {
		if (ms() > end)
			fail_msg("request %zu with %s does not come", i, method);
		nap();
	}
	return r;
}

/* ------------------------------------------------------------------ */

static struct agent {
	struct net n;
	char *root;
	struct sut_privkey *key, *platform;
	struct sut_pubkey *public;
} agent;

static void put_key(const struct sut_privkey *k, const char *path)
{
	struct sut_pubkey *p = NULL;
	struct sut_minisign_pub pub;
	struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(sut_privkey_public(k, &p, &err), err);
	assert_ok(sut_minisign_pub_of(p, &pub, &err), err);
	assert_ok(sut_minisign_pub_format(&pub, "platform", &b, &err), err);
	assert_ok(sut_file_write(path, b.data, b.len, 0644, &err), err);
	sut_buf_release(&b);
	sut_pubkey_free(p);
}

static int setup(void **state _unused_)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	char fact[JOB_KEY_FACT], path[256];
	struct sut_err err = {0};

	memset(&server, 0, sizeof(server));
	memset(&agent, 0, sizeof(agent));
	server.poll_status = server.result_status = 200;
	server.packages_status = 204;
	server.hold = true;
	pthread_mutex_init(&server.lock, NULL);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(server.fd, 16), 0);
	assert_int_equal(getsockname(server.fd, (struct sockaddr *)&a, &len), 0);
	server.port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);

	assert_ok(sut_tmpdir("console", &agent.root, &err), err);
	(void)snprintf(path, sizeof(path), "%s" AGENT_NET_DIR, agent.root);
	assert_ok(sut_mkdir_p(path, &err), err);
	(void)snprintf(path, sizeof(path), "%s" AGENT_JOB_KEYS, agent.root);
	assert_ok(sut_mkdir_p(path, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &agent.platform, &err), err);
	(void)snprintf(path, sizeof(path), "%s" AGENT_JOB_KEYS "/platform.pub", agent.root);
	put_key(agent.platform, path);
	assert_ok(job_key_make(agent.root, false, fact, &err), err);
	assert_ok(job_key_read(agent.root, &agent.key, &err), err);
	assert_ok(sut_privkey_public(agent.key, &agent.public, &err), err);
	assert_ok(net_init(&agent.n, agent.root, &net_ops_real, &err), err);
	(void)snprintf(agent.n.conf.console, sizeof(agent.n.conf.console), "http://127.0.0.1:%u",
		       server.port);
	memcpy(agent.n.id.system_id, "7f3k9m2q4r8s1t5v", 17);
	return 0;
}

static int teardown(void **state _unused_)
{
	console_stop(&agent.n);
	net_release(&agent.n);
	server.stop = true;
	pthread_join(server.thread, NULL);
	close(server.fd);
	for (size_t i = 0; i < server.n; i++)
		free(server.v[i].body);
	free(server.jobs);
	free(server.always);
	sut_privkey_free(agent.key);
	sut_privkey_free(agent.platform);
	sut_pubkey_free(agent.public);
	assert_int_equal(sut_rm_rf(agent.root, NULL), 0);
	free(agent.root);
	return 0;
}

static void start(void)
{
	console_part.init(&agent.n);
	assert_non_null(agent.n.console);
}

/* {"jobs": [a job for another system]}: refused without asking the root half. */
static char *one_job(const char *id)
{
	char text[1024], created[32], expires[32];
	struct sut_buf b = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_err err = {0};
	char *doc;

	sut_job_time((int64_t)time(NULL), created);
	sut_job_time((int64_t)time(NULL) + 3600, expires);
	(void)snprintf(text, sizeof(text),
		       "{\"format\":\"suture-job\",\"version\":1,\"id\":\"%s\",\"issuer\":\"p\","
		       "\"created\":\"%s\",\"expires\":\"%s\",\"systems\":[\"other\"],"
		       "\"action\":\"verify\"}",
		       id, created, expires);
	assert_ok(sut_dsse_sign(agent.platform, SUT_JOB_TYPE, text, strlen(text), &b, &err), err);
	doc = sut_sprintf("{\"jobs\":[%s]}", sut_buf_str(&b));
	sut_buf_release(&b);
	return doc;
}

/* The worker's part, until there is something for it. */
static void work(void)
{
	int64_t end = ms() + PATIENCE_MS;

	while (task_idle(&agent.n)) {
		if (ms() > end)
			fail_msg("no job came to the worker");
		nap();
	}
	worker_drain(&agent.n);
}

static void assert_signed(const struct request *r, char ret_nonce[static SUT_HTTPSIG_WORD])
{
	static const char *const get[] = {"@method", "@target-uri", NULL};
	static const char *const post[] = {"@method", "@target-uri", "content-digest", NULL};
	char uri[1024];
	const struct sut_httpsig_component c[] = {
		{"@method", r->method}, {"@target-uri", uri}, {"content-digest", r->digest}};
	struct sut_buf digest = SUT_BUF_INIT(128);
	struct sut_httpsig s;
	struct sut_err err = {0};

	(void)snprintf(uri, sizeof(uri), "http://%s%s", r->host, r->path);
	assert_ok(sut_httpsig_parse(r->input, r->signature, &s, &err), err);
	assert_ok(sut_httpsig_verify(&s, agent.public, c, 3, *r->digest ? post : get, &err), err);
	assert_string_equal(s.params.keyid, "7f3k9m2q4r8s1t5v");
	assert_string_equal(s.params.alg, "ed25519");
	assert_string_equal(s.params.tag, "suture-agent");
	assert_true(s.params.created >= (int64_t)time(NULL) - 60 &&
		    s.params.created <= (int64_t)time(NULL));
	assert_true(strlen(s.params.nonce) >= 22);
	memcpy(ret_nonce, s.params.nonce, sizeof(s.params.nonce));
	if (*r->digest) {
		assert_int_equal(sut_content_digest(r->body, strlen(r->body), &digest), 0);
		assert_string_equal(sut_buf_str(&digest), r->digest);
		sut_buf_release(&digest);
	}
}

static size_t in_outbox(void)
{
	char *path = sut_sprintf("%s" CONSOLE_OUTBOX, agent.root);
	DIR *d = opendir(path);
	const struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += sut_endswith(e->d_name, ".json");
	if (d)
		closedir(d);
	free(path);
	return n;
}

static void is_sent(void)
{
	for (int64_t end = ms() + PATIENCE_MS; in_outbox(); nap())
		if (ms() > end)
			fail_msg("the result stays where it is");
}

/* ------------------------------------------------------------------ */

static void every_request_is_signed_by_the_system(void **state _unused_)
{
	char first[SUT_HTTPSIG_WORD], second[SUT_HTTPSIG_WORD];
	struct request r;

	server.hold = false;
	start();
	r = comes("GET", 0);
	assert_string_equal(r.path, "/v1/agent/jobs?system=7f3k9m2q4r8s1t5v&wait=300");
	assert_signed(&r, first);
	r = comes("GET", 1);
	assert_signed(&r, second);
	assert_string_not_equal(first, second);
}

static void a_job_is_run_and_its_result_sent(void **state _unused_)
{
	struct sut_dsse_key key = {.name = "system"};
	struct sut_job_result got = {0};
	char nonce[SUT_HTTPSIG_WORD];
	struct request r;
	struct sut_err err = {0};

	server.jobs = one_job("job-1");
	start();
	work();
	r = comes("POST", 0);
	assert_string_equal(r.path, "/v1/agent/results");
	assert_signed(&r, nonce);
	assert_int_equal(sut_pubkey_ed25519(agent.public, key.key), 0);
	assert_ok(sut_job_result_open(r.body, strlen(r.body), &key, 1, &got, NULL, &err), err);
	assert_string_equal(got.job, "job-1");
	assert_string_equal(got.outcome, "foreign");
	assert_string_equal(got.system_id, "7f3k9m2q4r8s1t5v");
	sut_job_result_release(&got);
	is_sent();
}

static void a_job_that_is_repeated_is_passed_over(void **state _unused_)
{
	struct request r;

	server.always = one_job("job-1");
	start();
	work();
	(void)comes("POST", 0);
	is_sent();
	(void)comes("GET", 1);
	nap();
	assert_true(task_idle(&agent.n));
	/* Nor does the thread ask in a circle. */
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	assert_false(find("GET", 4, &r));
}

static void a_result_ends_a_poll_that_waits(void **state _unused_)
{
	int64_t begun;

	start();
	(void)comes("GET", 0);
	begun = ms();
	console_result(&agent.n, "{}");
	(void)comes("POST", 0);
	assert_true(ms() - begun < 5000);
	is_sent();
	(void)comes("GET", 1);
}

static void a_result_that_is_not_taken_is_kept(void **state _unused_)
{
	server.result_status = 503;
	start();
	(void)comes("GET", 0);
	console_result(&agent.n, "{}");
	(void)comes("POST", 0);
	nap();
	assert_int_equal(in_outbox(), 1);
	server.result_status = 200;
	(void)comes("POST", 1); /* after a second */
	is_sent();
}

static void a_result_survives_the_end_of_the_program(void **state _unused_)
{
	console_result(&agent.n, "{}"); /* no thread yet */
	assert_int_equal(in_outbox(), 1);
	start();
	(void)comes("POST", 0);
	is_sent();
}

static void a_result_that_the_console_can_never_take_is_forgotten(void **state _unused_)
{
	server.result_status = 422;
	console_result(&agent.n, "{}");
	start();
	(void)comes("POST", 0);
	is_sent();
}

static void results_are_bounded(void **state _unused_)
{
	char text[32];

	for (int i = 0; i < CONSOLE_OUTBOX_MAX + 5; i++) {
		(void)snprintf(text, sizeof(text), "{\"n\":%d}", i);
		console_result(&agent.n, text);
	}
	assert_int_equal(in_outbox(), CONSOLE_OUTBOX_MAX);
}

static void it_stops_at_once_in_the_middle_of_a_poll(void **state _unused_)
{
	int64_t begun;

	start();
	(void)comes("GET", 0);
	begun = ms();
	console_stop(&agent.n);
	assert_true(ms() - begun < 2000);
	assert_null(agent.n.console);
	console_stop(&agent.n);
}

static void errors_back_off_and_are_said(void **state _unused_)
{
	struct request r;
	json_t *part;

	server.poll_status = 500;
	server.hold = false;
	start();
	(void)comes("GET", 1);
	/* 1, then 2 seconds: there is no third one yet. */
	assert_false(find("GET", 2, &r));
	part = state_get(&agent.n, "console");
	assert_true(json_integer_value(json_object_get(part, "failures")) >= 1);
	assert_non_null(strstr(json_string_value(json_object_get(part, "error")), "500"));
	json_decref(part);
}

static void an_answer_that_is_none_is_an_error(void **state _unused_)
{
	json_t *part;
	int64_t failures = 0;

	server.always = strdup("{\"jobs\": 7}");
	start();
	(void)comes("GET", 0);
	for (int64_t end = ms() + PATIENCE_MS; !failures && ms() < end; nap()) {
		part = state_get(&agent.n, "console");
		failures = json_integer_value(json_object_get(part, "failures"));
		json_decref(part);
	}
	assert_true(failures >= 1);
	assert_true(task_idle(&agent.n));
}

static void it_runs_only_with_a_console_and_a_registration(void **state _unused_)
{
	agent.n.conf.console[0] = '\0';
	console_part.init(&agent.n);
	assert_null(agent.n.console);
	(void)snprintf(agent.n.conf.console, sizeof(agent.n.conf.console), "http://127.0.0.1:%u/",
		       server.port);
	agent.n.id.system_id[0] = '\0';
	console_part.reloaded(&agent.n);
	assert_null(agent.n.console);
	memcpy(agent.n.id.system_id, "7f3k9m2q4r8s1t5v", 17);
	console_part.told(&agent.n);
	assert_non_null(agent.n.console);
	(void)comes("GET", 0);
	agent.n.conf.console[0] = '\0';
	console_part.reloaded(&agent.n);
	assert_null(agent.n.console);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ------------------------------------------------------------------ */
/* The package list.                                                   */

static const char status_of[] =
	"Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b7\nSource: bash (5.2.15-2)\n\n"
	"Package: libssl3\nStatus: install ok installed\nSource: openssl\nVersion: 3.0.15-1~deb12u1\n"
	"Description: a library\n Version: 9.9 is no field\n\n"
	"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
	"Package: held\nStatus: hold ok installed\nVersion: 2";

static json_t *dpkg(const char *text)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	json_t *l;

	assert_non_null(f);
	l = packages_of_dpkg(f);
	fclose(f);
	assert_non_null(l);
	return l;
}

static void assert_list(const char *text, const char *want)
{
	json_t *l = dpkg(text);
	char *got = json_dumps(l, JSON_COMPACT);

	assert_string_equal(got, want);
	free(got);
	json_decref(l);
}

static void what_is_installed_is_told_with_its_source(void **state _unused_)
{
	char *wide = calloc(1, 8192);

	assert_list(status_of, "[[\"bash\",\"5.2.15-2+b7\",\"bash\",\"5.2.15-2\"],"
			       "[\"libssl3\",\"3.0.15-1~deb12u1\",\"openssl\"],[\"held\",\"2\"]]");
	assert_list("\n\n\n", "[]");
	assert_list("Package: a\nVersion: 1\n\nStatus: install ok installed\nVersion: 1\n", "[]");
	assert_list("Package: a b\nStatus: install ok installed\nVersion: 1\n", "[]");
	/* A line that is too long is no field, and nothing of it is. */
	assert_non_null(wide);
	(void)snprintf(wide, 8192,
		       "Package: a\nStatus: install ok installed\nVersion: 1\nX: %04000d\n"
		       "Description: x\n\n",
		       0);
	assert_list(wide, "[[\"a\",\"1\"]]");
	free(wide);
}

static void put_status(const char *text)
{
	char path[256];
	struct sut_err err = {0};

	(void)snprintf(path, sizeof(path), "%s/var/lib/dpkg", agent.root);
	assert_ok(sut_mkdir_p(path, &err), err);
	(void)snprintf(path, sizeof(path), "%s" PACKAGES_STATUS, agent.root);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

static void the_list_is_sent_signed_and_again_when_it_changed(void **state _unused_)
{
	struct request r;
	json_t *j;

	put_status(status_of);
	server.hold = false;
	start();
	r = comes("PUT", 0);
	assert_string_equal(r.path, "/v1/agent/packages");
	assert_non_null(strstr(r.input, "content-digest"));
	assert_non_null(strstr(r.digest, "sha-256=:"));
	j = json_loads(r.body, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(j, "packages")), 3);
	assert_non_null(json_object_get(j, "distribution"));
	json_decref(j);
	/* Polls go on; nothing is sent twice. */
	(void)comes("GET", 2);
	assert_false(find("PUT", 1, &r));
	put_status("Package: a\nStatus: install ok installed\nVersion: 1\n");
	r = comes("PUT", 1);
	assert_non_null(strstr(r.body, "[[\"a\",\"1\"]]"));
}

static void a_console_that_takes_no_lists_is_left_alone(void **state _unused_)
{
	struct request r;

	put_status(status_of);
	server.hold = false;
	server.packages_status = 404;
	start();
	(void)comes("PUT", 0);
	put_status("Package: a\nStatus: install ok installed\nVersion: 1\n");
	(void)comes("GET", 2);
	assert_false(find("PUT", 1, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_request_is_signed_by_the_system),
		CASE(a_job_is_run_and_its_result_sent),
		CASE(a_job_that_is_repeated_is_passed_over),
		CASE(a_result_ends_a_poll_that_waits),
		CASE(a_result_that_is_not_taken_is_kept),
		CASE(a_result_survives_the_end_of_the_program),
		CASE(a_result_that_the_console_can_never_take_is_forgotten),
		CASE(results_are_bounded),
		CASE(it_stops_at_once_in_the_middle_of_a_poll),
		CASE(errors_back_off_and_are_said),
		CASE(an_answer_that_is_none_is_an_error),
		CASE(it_runs_only_with_a_console_and_a_registration),
		cmocka_unit_test(what_is_installed_is_told_with_its_source),
		CASE(the_list_is_sent_signed_and_again_when_it_changed),
		CASE(a_console_that_takes_no_lists_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
