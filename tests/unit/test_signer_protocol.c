// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "signer/config.h"
#include "signer/protocol.h"
#include "tuf/json.h"

static int parse(const char *text, struct sut_signer_request *ret, struct sut_err *err)
{
	*err = (struct sut_err){0};
	return sut_signer_request_parse(text, strlen(text), ret, err);
}

static void assert_refused(const char *text)
{
	struct sut_signer_request q = {0};
	struct sut_err err;

	if (parse(text, &q, &err) != -EBADMSG || !sut_streq(err.reason, "format") || q.doc)
		fail_msg("%s is not refused: %s", text, err.msg);
}

static void request_survives_the_way(void **state _unused_)
{
	const struct sut_signer_role roles[] = {{"targets", 3}, {"kernel-0f", INT64_C(1) << 40}};
	struct sut_buf root = {(uint8_t *)"{\"a\":1}\n", 8, 8, 8};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_REQUEST_MAX);
	_cleanup_(sut_signer_request_release) struct sut_signer_request q = {0};
	struct sut_err err;
	size_t len = 0;

	assert_ok(sut_signer_request_format(SUT_SIGNER_SNAPSHOT, roles, 2, &root, &b, &err), err);
	assert_ok(sut_signer_head(b.data, SUT_SIGNER_REQUEST_MAX, &len, &err), err);
	assert_int_equal(len, b.len - SUT_SIGNER_HEAD);
	assert_ok(sut_signer_request_parse(b.data + SUT_SIGNER_HEAD, len, &q, &err), err);
	assert_int_equal(q.op, SUT_SIGNER_SNAPSHOT);
	assert_int_equal(q.nroles, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct sut_signer_role *r =
			&roles[sut_streq(q.roles[i].name, "targets") ? 0 : 1];

		assert_string_equal(q.roles[i].name, r->name);
		assert_int_equal(q.roles[i].version, r->version);
	}
	assert_int_equal(q.root_len, root.len);
	assert_memory_equal(q.root, root.data, root.len);
}

static void other_operations_have_no_members(void **state _unused_)
{
	struct sut_signer_request q = {0};
	struct sut_err err;

	assert_ok(parse("{\"op\":\"status\"}", &q, &err), err);
	assert_int_equal(q.op, SUT_SIGNER_STATUS);
	sut_signer_request_release(&q);
	assert_refused("{\"op\":\"status\",\"roles\":{}}");
	assert_refused("{\"op\":\"timestamp\",\"root\":\"x\"}");
}

static void what_is_not_understood_is_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"\"snapshot\"",
		"{\"op\":\"sign\"}",
		"{\"op\":1}",
		"{\"op\":\"snapshot\",\"op\":\"status\"}",
		"{\"op\":\"snapshot\",\"force\":true}",
		"{\"op\":\"snapshot\"}{}",
		"{\"op\":\"snapshot\",\"roles\":[]}",
		"{\"op\":\"snapshot\",\"roles\":{\"a\":0}}",
		"{\"op\":\"snapshot\",\"roles\":{\"a\":-1}}",
		"{\"op\":\"snapshot\",\"roles\":{\"a\":1.5}}",
		"{\"op\":\"snapshot\",\"roles\":{\"a\":\"1\"}}",
		"{\"op\":\"snapshot\",\"roles\":{\"a\":9223372036854775808}}",
		"{\"op\":\"snapshot\",\"root\":{}}",
		"{\"op\":\"snapshot\",\"root\":null}",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_refused(bad[i]);
}

static void role_name_is_part_of_a_file_name(void **state _unused_)
{
	static const char *const bad[] = {"",	  ".",	      "..",	   "../x", "/x", "a/b",
					  ".a",	  "-a",	      "a b",	   "a%2f", "ä",	 "root",
					  "root", "snapshot", "timestamp", "a\n"};
	char longest[SUT_SIGNER_NAME_MAX + 2];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (sut_signer_role_ok(bad[i]))
			fail_msg("'%s' is accepted", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[SUT_SIGNER_NAME_MAX + 1] = '\0';
	assert_false(sut_signer_role_ok(longest));
	longest[SUT_SIGNER_NAME_MAX] = '\0';
	assert_true(sut_signer_role_ok(longest));
	assert_true(sut_signer_role_ok("targets"));
	assert_true(sut_signer_role_ok("kernel-0f"));
	assert_refused("{\"op\":\"snapshot\",\"roles\":{\"../a\":1}}");
	assert_refused("{\"op\":\"snapshot\",\"roles\":{\"root\":1}}");
}

static void length_is_bounded(void **state _unused_)
{
	static const uint8_t zero[4] = {0}, most[4] = {0, 0x10, 0, 0}, more[4] = {0, 0x10, 0, 1},
			     huge[4] = {0xff, 0xff, 0xff, 0xff};
	struct sut_err err;
	size_t n = 0;

	assert_int_equal(sut_signer_head(zero, SUT_SIGNER_REQUEST_MAX, &n, &err), -EMSGSIZE);
	assert_int_equal(sut_signer_head(more, SUT_SIGNER_REQUEST_MAX, &n, &err), -EMSGSIZE);
	assert_int_equal(sut_signer_head(huge, SUT_SIGNER_REQUEST_MAX, &n, &err), -EMSGSIZE);
	assert_int_equal(n, 0);
	assert_ok(sut_signer_head(most, SUT_SIGNER_REQUEST_MAX, &n, &err), err);
	assert_int_equal(n, SUT_SIGNER_REQUEST_MAX);
}

static void refusal_becomes_the_error_of_the_client(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_ANSWER_MAX);
	struct sut_err why = {0}, err = {0};
	json_t *j = NULL;

	/* A message cut within a character does not stop the refusal. */
	sut_err_reason(&why, ESTALE, "rollback", "no: \xc3");
	assert_ok(sut_signer_refusal_format(&why, &b, &err), err);
	assert_int_equal(sut_signer_answer_parse(b.data + 4, b.len - 4, &j, &err), -EBADMSG);
	sut_buf_release(&b);
	sut_err_reason(&why, ESTALE, "rollback", "version 3 was signed before");
	assert_ok(sut_signer_refusal_format(&why, &b, &err), err);
	assert_int_equal(sut_signer_answer_parse(b.data + 4, b.len - 4, &j, &err), -EBADMSG);
	assert_string_equal(err.reason, "rollback");
	assert_string_equal(err.msg, "version 3 was signed before");
	assert_null(j);
}

static void what_is_no_answer_is_told_apart_from_a_refusal(void **state _unused_)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"ok\":1}", "nonsense"};
	struct sut_err err;
	json_t *j = NULL;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(sut_signer_answer_parse(bad[i], strlen(bad[i]), &j, &err),
				 -EPROTO);
	assert_null(j);
}

/* ------------------------------------------------------------------ */

static const char settings[] = "# comment\n"
			       "metadata = /srv/repo/metadata\n"
			       "root=/etc/suture/root.json\n"
			       "  state =  /var/lib/suture-signer \r\n"
			       "\n"
			       "snapshot-key = /etc/suture/snapshot.key\n"
			       "timestamp-key = credential:timestamp.key\n"
			       "allow-user = 0\n"
			       "allow-group = root\n"
			       "timestamp-expires = 36h\n";

static void settings_are_read(void **state _unused_)
{
	_cleanup_(sut_signer_config_release) struct sut_signer_config c = {0};
	struct sut_signer_allowed a;
	struct sut_err err;

	assert_ok(
		sut_signer_config_parse(settings, strlen(settings), "/run/credentials/x", &c, &err),
		err);
	assert_string_equal(c.metadata, "/srv/repo/metadata");
	assert_string_equal(c.state, "/var/lib/suture-signer");
	assert_string_equal(c.socket, SUT_SIGNER_SOCKET);
	assert_string_equal(c.timestamp.v[0], "/run/credentials/x/timestamp.key");
	assert_int_equal(c.timestamp_sec, 36 * 3600);
	assert_int_equal(c.snapshot_sec, 7 * 86400);
	assert_ok(sut_signer_config_allowed(&c, &a, &err), err);
	assert_int_equal(a.nuids, 1);
	assert_int_equal(a.ngids, 1);
	assert_int_equal(a.gids[0], 0);
}

/* settings with one more line */
static void assert_bad_line(const char *line, const char *says)
{
	_cleanup_(sut_freep) char *text = sut_sprintf("%s%s\n", settings, line);
	struct sut_signer_config c = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_signer_config_parse(text, strlen(text), "/c", &c, &err), -EBADMSG);
	assert_says(err, says);
	assert_null(c.metadata);
}

static void bad_settings_are_refused(void **state _unused_)
{
	struct sut_signer_config c = {0};
	struct sut_err err = {0};

	assert_bad_line("timestamp-expires = 0h", "line 11");
	assert_bad_line("timestamp-expires = 366d", "a period");
	assert_bad_line("timestamp-expires = 12", "a period");
	assert_bad_line("timestamp-expires = 99999999999999999999h", "a period");
	assert_bad_line("metadata = /other", "said before");
	assert_bad_line("socket = relative", "begins with '/'");
	assert_bad_line("snapshot-key = credential:../x", "credential");
	assert_bad_line("nonsense = 1", "not known");
	assert_bad_line("no equals sign", "key = value");
	assert_bad_line("allow-user =", "missing");
	/* Nobody may ask: a mistake, not a wish. */
	assert_int_equal(sut_signer_config_parse("", 0, NULL, &c, &err), -EBADMSG);
	assert_int_equal(sut_signer_config_parse(settings, strlen(settings), NULL, &c, &err),
			 -EBADMSG);
	assert_says(err, "credentials");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_survives_the_way),
		cmocka_unit_test(other_operations_have_no_members),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(role_name_is_part_of_a_file_name),
		cmocka_unit_test(length_is_bounded),
		cmocka_unit_test(refusal_becomes_the_error_of_the_client),
		cmocka_unit_test(what_is_no_answer_is_told_apart_from_a_refusal),
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(bad_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
