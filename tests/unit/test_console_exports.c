// SPDX-License-Identifier: Apache-2.0
/* /v1/exports and the documents about one system, out of a database. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/str.h"
#include "console.h"
#include "sample_fleet_findings.h"

#define HEAD "host,cve,package,version,severity\n"
#define IMAGE ",linux-image-6.1.0-47-amd64,6.1.170-3,high\n"

/* web1 runs nothing, web2 level 1; both have three findings. */
static void sample(struct sample_server *s)
{
	sample_coverage(s, &s->tenant[0]);
	(void)sample_machine(s, &s->tenant[0], "web1", 0);
	(void)sample_machine(s, &s->tenant[0], "web2", 1);
	sample_sql(s, "UPDATE hosts SET os = 'Debian 12', arch = 'x86_64', boot_id = 'b-1'");
	(void)sample_import(s, &s->tenant[0], "?name=fleet.csv",
			    HEAD "web1,CVE-2026-1001" IMAGE "web1,CVE-2026-1004" IMAGE
				 "web1,CVE-2026-7777,=nginx,1.2,low\n"
				 "web2,CVE-2026-1001" IMAGE "web2,CVE-2026-1004" IMAGE
				 "web2,CVE-2026-1002" IMAGE);
}

static int get(struct sample_server *s, const char *target)
{
	return sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
}

/* The file that the answer is; goes with the answer. */
static const char *file(struct sample_server *s, struct sut_buf *b)
{
	int fd;
	ssize_t n;
	uint8_t part[4096];

	assert_status(s, 200);
	assert_non_null(s->r.file);
	assert_true(s->r.file_once);
	b->len = 0;
	fd = openat(s->r.folder, s->r.file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((n = read(fd, part, sizeof(part))) > 0)
		assert_int_equal(sut_buf_add(b, part, (size_t)n), 0);
	close(fd);
	return sut_buf_str(b);
}

static size_t lines(const char *s)
{
	size_t n = 0;

	while ((s = strstr(s, "\r\n"))) {
		s += 2;
		n++;
	}
	return n - 1;
}

static void tables_are_files_that_go(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_freep) char *path = NULL;

	sample(s);
	get(s, "/v1/exports/findings.csv");
	assert_int_equal(lines(file(s, &b)), 6);
	assert_non_null(strstr(sut_buf_str(&b), ",\"'=nginx\",1.2,"));
	assert_string_equal(sample_answer_header(s, "Content-Disposition"),
			    "attachment; filename=\"findings.csv\"");
	path = sut_sprintf("%s/%s", sample_console(s)->conf.spool, s->r.file);
	assert_int_equal(access(path, F_OK), 0);
	get(s, "/v1/exports/systems.csv");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(lines(file(s, &b)), 2);
	get(s, "/v1/exports/cves.csv");
	assert_int_equal(lines(file(s, &b)), 4);
}

static void tables_are_chosen_as_lists_are(void **state)
{
	static const struct {
		const char *query;
		size_t lines;
	} cases[] = {
		{"findings.csv?verdict=live-fixed", 1},
		{"findings.csv?verdict=live-fixed,fix-ready", 2},
		{"findings.csv?cve=CVE-2026-1004", 2},
		{"findings.csv?severity=low", 1},
		{"findings.csv?q=web2", 3},
		{"findings.csv?feed=test", 0},
		{"systems.csv?verdict=fix-ready", 1},
		{"systems.csv?cve=CVE-2026-7777", 1},
		{"systems.csv?protection=exposed", 2},
		{"systems.csv?protection=offline", 0},
		{"cves.csv?q=1004", 1},
		{"cves.csv?verdict=fix-ready", 1},
	};
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	sample(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *target = sut_sprintf("/v1/exports/%s", cases[i].query);

		get(s, target);
		if (lines(file(s, &b)) != cases[i].lines)
			fail_msg("%s: %s", target, sut_buf_str(&b));
	}
	get(s, "/v1/exports/findings.csv?verdict=wrong");
	assert_problem(s, 400, "bad-argument");
	get(s, "/v1/exports/findings.csv?cve=1%27%20OR%201");
	assert_problem(s, 400, "bad-argument");
	get(s, "/v1/exports/systems.csv?protection=x");
	assert_problem(s, 400, "bad-argument");
	get(s, "/v1/exports/cves.csv?feed=x");
	assert_problem(s, 400, "unknown-argument");
}

static void who_takes_gzip_gets_it(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	uint8_t plain[1 << 16];
	z_stream z = {0};

	sample(s);
	sample_header(s, "Accept-Encoding: gzip");
	get(s, "/v1/exports/findings.csv");
	(void)file(s, &b);
	assert_string_equal(sample_answer_header(s, "Content-Encoding"), "gzip");
	z.next_in = b.data;
	z.avail_in = (unsigned int)b.len;
	z.next_out = plain;
	z.avail_out = sizeof(plain) - 1;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	plain[z.total_out] = '\0';
	inflateEnd(&z);
	assert_int_equal(lines((char *)plain), 6);
}

static void another_tenant_gets_nothing_of_it(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	const char *token = s->tenant[1].token[SAMPLE_ADMIN];

	sample(s);
	sample_call(s, "GET", "/v1/exports/findings.csv", token, NULL);
	assert_int_equal(lines(file(s, &b)), 0);
	sample_call(s, "GET", "/v1/systems/web1000000000000/openvex", token, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", "/v1/systems/web1000000000000/csaf", token, NULL);
	assert_problem(s, 404, "not-found");
}

static void documents_are_of_one_system(void **state)
{
	struct sample_server *s = *state;
	const json_t *v;

	sample(s);
	get(s, "/v1/systems/web2000000000000/openvex");
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "author"), "alpha");
	v = json_object_get(s->json, "statements");
	assert_int_equal(json_array_size(v), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(v, 0), "status")),
			    "fixed");
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "pkg:deb/debian/linux-image-6.1.0-47-amd64@"
						       "6.1.170-3?arch=amd64&distro=debian-12"));
	assert_true(sut_startswith(sample_answer_header(s, "Content-Disposition"),
				   "attachment; filename=\"suture-web2000000000000-"));
	get(s, "/v1/systems/web1000000000000/csaf");
	assert_status(s, 200);
	v = json_object_get(s->json, "vulnerabilities");
	assert_int_equal(json_array_size(v), 3);
	get(s, "/v1/systems/none000000000000/csaf");
	assert_problem(s, 404, "not-found");
}

static void what_was_not_scanned_has_no_document(void **state)
{
	struct sample_server *s = *state;

	sample(s);
	(void)sample_machine(s, &s->tenant[0], "web3", 0);
	get(s, "/v1/systems/web3000000000000/openvex");
	assert_problem(s, 404, "nothing-to-say");
	get(s, "/v1/systems/web3000000000000/csaf");
	assert_problem(s, 404, "nothing-to-say");
}

int main(void)
{
#define CASE(name)                                                                                 \
	{                                                                                          \
#name, name, NULL, 0                                                               \
	}
	const struct sample_server_case cases[] = {
		CASE(tables_are_files_that_go),	   CASE(tables_are_chosen_as_lists_are),
		CASE(who_takes_gzip_gets_it),	   CASE(another_tenant_gets_nothing_of_it),
		CASE(documents_are_of_one_system), CASE(what_was_not_scanned_has_no_document),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
