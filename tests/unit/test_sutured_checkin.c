// SPDX-License-Identifier: Apache-2.0
/* sutured against portals that say anything at all. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "liar.h"
#include "wire/wire.h"
#include "sutured/checkin.h"
#include "sutured/enrol.h"
#include "sutured/facts.h"
#include "sutured/verb.h"

#define ID "7f3k9m2q4r8s1t5v"
#define OTHER "0000000000000001"
#define KEY "sutkey_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define CREDENTIAL "sutsys_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define KEEP                                                                                       \
	"{\"serial\":42,\"next_checkin_s\":287,\"next_check_s\":14120,\"feed\":\"stable\","        \
	"\"kernel\":{\"action\":\"keep\",\"patchset\":\"K20261121_01\",\"level\":3},"              \
	"\"held\":[],\"notices\":[]}"
#define ENROLLED                                                                                   \
	"{\"system_id\":\"" ID                                                                     \
	"\",\"feed\":\"stable\",\"key\":\"k\",\"checkin_url\":\"http://x\","                       \
	"\"repository_url\":\"http://x/repo/\",\"next_checkin_s\":12,\"serial\":1}"

static const char state_of_root[] =
	"{\"format\":\"suture-apply-state\",\"version\":1,"
	"\"boot_id\":\"8b1e4c1a-0000-4000-8000-000000000001\",\"product_uuid\":\"4c4c4544-0042\","
	"\"kernel\":{\"release\":\"6.1.0-47-cloud-amd64\",\"arch\":\"x86_64\",\"build_id\":\"6d1c00\","
	"\"kernel_id\":\"0a4d\"},\"switch\":{\"state\":\"normal\"},\"support\":{\"state\":\"supported\"},"
	"\"patch\":{\"id\":\"K20261121_01\",\"level\":3,\"pause_ns\":1740211},\"residue\":false,"
	"\"quarantined\":[{\"id\":\"K1\"},{\"id\":\"K2\"},{\"id\":\"K1\"}],"
	"\"errors\":[{\"code\":\"conflict\",\"message\":\"kprobe\\u0007\",\"patchset\":\"K3\","
	"\"at\":\"2026-11-21T20:15:00Z\"}],\"choice\":{\"tags\":[\"role:web\"]}}";

struct world {
	struct liar l;
	struct net n;
	char *root;
	int64_t now, boot;
	uint8_t dice;
};
static struct world w;
static struct sut_err err;

static int64_t now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static int64_t boot(void *ctx)
{
	return ((struct world *)ctx)->boot;
}

static int dice(void *ctx, void *buf, size_t len)
{
	memset(buf, ++((struct world *)ctx)->dice, len);
	return 0;
}

static void put(const char *path, const char *text)
{
	const struct agent_path p = agent_path(w.root, path);
	_cleanup_(sut_freep) char *dir = strndup(p.s, (size_t)(strrchr(p.s, '/') - p.s));

	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(sut_file_write(p.s, text, strlen(text), 0600, &err), err);
}

static int setup(void **state _unused_)
{
	const struct net_ops ops = {.now = now, .boot = boot, .random = dice, .ctx = &w};

	memset(&w, 0, sizeof(w));
	w.now = 1795219200;
	w.boot = 1000;
	assert_ok(sut_tmpdir("sutured", &w.root, &err), err);
	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put("/etc/hostname", "web 1\n");
	put("/etc/os-release", "PRETTY_NAME=\"Debian 12\"\n");
	put(AGENT_NET_DIR "/x", "");
	put(AGENT_APPLY_STATE, state_of_root);
	assert_ok(net_init(&w.n, w.root, &ops, &err), err);
	assert_ok(agent_conf_read(w.root, &w.n.conf, &err), err);
	/* Whatever the tests are started with. */
	memcpy(w.n.conf.proxy, "none", 5);
	liar_start(&w.l);
	return 0;
}

static int teardown(void **state _unused_)
{
	liar_stop(&w.l);
	net_release(&w.n);
	assert_ok(sut_rm_rf(w.root, &err), err);
	free(w.root);
	return 0;
}

static void registered(void)
{
	struct identity *i = &w.n.id;

	memcpy(i->system_id, ID, sizeof(ID));
	memcpy(i->credential, CREDENTIAL, sizeof(CREDENTIAL));
	(void)snprintf(i->portal, sizeof(i->portal), "%s", w.l.url);
	i->serial = 41;
	assert_ok(net_save(&w.n, &err), err);
}

static struct identity on_disk(void)
{
	struct identity i;

	assert_ok(identity_read(w.root, &i, &err), err);
	return i;
}

static json_t *body(size_t i)
{
	json_t *j;

	assert_true(i < w.l.n);
	j = json_loads(w.l.body[i], JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	return j;
}

static const char *text(const json_t *j, const char *member)
{
	const char *s = json_string_value(json_object_get(j, member));

	return s ? s : "(none)";
}

static int64_t next_checkin(void)
{
	return net_due_left(&w.n, NET_DUE_CHECKIN);
}

static void error_says(const char *words)
{
	char said[SUT_ERR_MSG_MAX];

	state_text(&w.n, "checkin", "error", said, sizeof(said));
	if (!strstr(said, words))
		fail_msg("\"%s\" does not say \"%s\"", said, words);
}

/* ------------------------------------------------------------------ */
/* Check-ins */

static void a_checkin_reports_all_and_keeps_what_is_told(void **state _unused_)
{
	json_t *j, *k;
	char told[32];

	registered();
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_string_equal(w.l.path[0], "/v1/checkin");
	assert_string_equal(w.l.authorization[0], "Bearer " CREDENTIAL);
	j = body(0);
	assert_int_equal(json_integer_value(json_object_get(j, "serial")), 41);
	assert_int_equal(strlen(text(j, "nonce")), IDENTITY_NONCE);
	assert_int_equal(strlen(text(j, "machine_id")), 32);
	assert_string_equal(text(j, "product_uuid"), "4c4c4544-0042");
	assert_string_equal(text(j, "boot_id"), "8b1e4c1a-0000-4000-8000-000000000001");
	assert_string_equal(text(j, "state"), "current");
	assert_string_equal(text(j, "patchset"), "K20261121_01");
	assert_int_equal(json_integer_value(json_object_get(j, "level")), 3);
	assert_int_equal(json_integer_value(json_object_get(j, "last_pause_ns")), 1740211);
	assert_string_equal(text(json_object_get(j, "kernel"), "build_id"), "6d1c00");
	assert_int_equal(json_array_size(json_object_get(j, "quarantined")), 2);
	k = json_array_get(json_object_get(j, "errors"), 0);
	assert_string_equal(text(k, "code"), "conflict");
	assert_string_equal(text(k, "message"), "kprobe?");
	assert_string_equal(text(j, "hostname"), "web-1");
	k = json_object_get(j, "facts");
	assert_string_equal(text(k, "distribution"), "Debian 12");
	assert_int_equal(json_array_size(json_object_get(k, "tags")), 1);
	json_decref(j);

	assert_int_equal(on_disk().serial, 42);
	assert_string_equal(on_disk().nonce, "");
	assert_string_equal(on_disk().feed, "stable");
	assert_int_equal(on_disk().heard_at, w.now);
	assert_int_equal(next_checkin(), 288); /* whole seconds, never early */
	assert_int_equal(net_due_left(&w.n, NET_DUE_CHECK), 14121);
	state_text(&w.n, "told", "patchset", told, sizeof(told));
	assert_string_equal(told, "K20261121_01");
}

static void facts_are_told_again_only_when_they_changed(void **state _unused_)
{
	json_t *j;

	registered();
	for (int i = 0; i < 3; i++)
		liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_ok(checkin_now(&w.n, &err), err);
	j = body(1);
	assert_null(json_object_get(j, "facts"));
	assert_null(json_object_get(j, "hostname"));
	json_decref(j);
	put("/etc/hostname", "web2\n");
	assert_ok(checkin_now(&w.n, &err), err);
	j = body(2);
	assert_string_equal(text(j, "hostname"), "web2");
	json_decref(j);
}

static void
the_nonce_is_durable_before_it_is_sent_and_the_same_until_an_answer_comes(void **state _unused_)
{
	char nonce[IDENTITY_NONCE + 1];
	json_t *a, *b, *c;

	registered();
	liar_raw(&w.l, "", 0); /* no answer */
	assert_true(checkin_now(&w.n, &err) < 0);
	memcpy(nonce, on_disk().nonce, sizeof(nonce));
	assert_int_equal(strlen(nonce), IDENTITY_NONCE);
	/* Killed here: another process goes on. */
	assert_ok(identity_read(w.root, &w.n.id, &err), err);
	liar_says(&w.l, "503 Busy", "Retry-After: 7\r\n", "{\"code\":\"busy\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	a = body(0);
	b = body(1);
	c = body(2);
	assert_string_equal(text(a, "nonce"), nonce);
	assert_string_equal(text(b, "nonce"), nonce);
	assert_string_equal(text(c, "nonce"), nonce);
	json_decref(a);
	json_decref(b);
	json_decref(c);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	a = body(3);
	assert_string_not_equal(text(a, "nonce"), nonce);
	json_decref(a);
}

static void without_an_answer_it_waits_longer_and_longer_but_not_for_ever(void **state _unused_)
{
	static const int wait[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};

	registered();
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wait); i++) {
		liar_raw(&w.l, "", 0);
		assert_true(checkin_now(&w.n, &err) < 0);
		assert_int_equal(next_checkin(), wait[i] + 1);
		assert_int_equal(state_int(&w.n, "checkin", "failures", 0), i + 1);
	}
	/* Hurrying does not shorten it. */
	checkin_soon(&w.n);
	assert_int_equal(next_checkin(), 301);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_int_equal(state_int(&w.n, "checkin", "failures", 9), 0);
	error_says("");
}

static void retry_after_is_obeyed_and_some_more_within_reason(void **state _unused_)
{
	registered();
	liar_says(&w.l, "429 Too Many", "Retry-After: 100\r\n", "{\"code\":\"too-many-attempts\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_in_range(next_checkin(), 101, 127);
	liar_says(&w.l, "503 Busy", "Retry-After: 999999999\r\n", "{}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_in_range(next_checkin(), 3601, 4503);
	/* A date, or nonsense: as if it had not been said. */
	liar_says(&w.l, "503 Busy", "Retry-After: -5\r\n", "{}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_int_equal(next_checkin(), 5);
}

static void a_heartbeat_of_its_own_wins(void **state _unused_)
{
	registered();
	w.n.conf.heartbeat_s = 20;
	w.n.conf.check_s = 60;
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_int_equal(next_checkin(), 21);
	assert_int_equal(net_due_left(&w.n, NET_DUE_CHECK), 61);
}

static void lies_change_nothing(void **state _unused_)
{
	static const char *const lies[] = {
		"",
		"null",
		"[]",
		"\"serial\"",
		"{",
		"{}",
		"{\"serial\":42,\"serial\":43,\"next_checkin_s\":1,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":-1,\"next_checkin_s\":1,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":9007199254740992,\"next_checkin_s\":1,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":\"42\",\"next_checkin_s\":1,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":42.5,\"next_checkin_s\":1,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":42,\"kernel\":{\"action\":\"keep\"}}",
		"{\"serial\":42,\"next_checkin_s\":1}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":\"keep\"}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"format-disk\"}}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"apply\"}}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"apply\",\"patchset\":\"K\","
		"\"level\":0,\"path\":\"p\",\"sha256\":\"00\",\"length\":1}}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"apply\",\"patchset\":\"K\","
		"\"level\":4,\"path\":\"p\",\"sha256\":\"zz\",\"length\":1}}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"apply\",\"patchset\":\"K\\u202e\","
		"\"level\":4,\"path\":\"p\",\"length\":1,\"sha256\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\"}}",
		"{\"serial\":42,\"next_checkin_s\":1,\"kernel\":{\"action\":\"apply\",\"patchset\":\"K\","
		"\"level\":4,\"path\":\"p\",\"length\":-1,\"sha256\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\"}}",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	};
	char nonce[IDENTITY_NONCE + 1] = "", told[32];

	registered();
	for (size_t i = 0; i < SUT_ARRAY_SIZE(lies); i++) {
		liar_says(&w.l, "200 OK", NULL, lies[i]);
		err = (struct sut_err){0};
		if (checkin_now(&w.n, &err) != -EPROTO)
			fail_msg("'%s' was believed", lies[i]);
		assert_string_equal(err.reason, "portal-malformed");
		error_says("portal");
		assert_int_equal(on_disk().serial, 41);
		if (*nonce)
			assert_string_equal(on_disk().nonce, nonce);
		memcpy(nonce, on_disk().nonce, sizeof(nonce));
		assert_true(next_checkin() > 0);
	}
	state_text(&w.n, "told", "action", told, sizeof(told));
	assert_string_equal(told, "");
}

static void numbers_beyond_reason_are_cut(void **state _unused_)
{
	registered();
	liar_says(
		&w.l, "200 OK", NULL,
		"{\"serial\":42,\"next_checkin_s\":-9000000000,\"next_check_s\":-1,\"kernel\":"
		"{\"action\":\"none\",\"level\":-7,\"patchset\":5},\"feed\":7,\"held\":{},\"notices\":9}");
	assert_ok(checkin_now(&w.n, &err), err);
	assert_int_equal(next_checkin(), 2);
	assert_int_equal(net_due_left(&w.n, NET_DUE_CHECK), 61);
	assert_int_equal(state_int(&w.n, "told", "level", -1), 0);
	liar_says(&w.l, "200 OK", NULL,
		  "{\"serial\":43,\"next_checkin_s\":9000000000,\"next_check_s\":9000000000000,"
		  "\"kernel\":{\"action\":\"none\"}}");
	assert_ok(checkin_now(&w.n, &err), err);
	assert_int_equal(next_checkin(), 86401);
	assert_int_equal(net_due_left(&w.n, NET_DUE_CHECK), 61); /* the earlier one */
}

static void what_is_for_people_is_bounded_and_printable(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	json_t *held, *notices;

	registered();
	assert_int_equal(
		sut_buf_addf(&b,
			     "{\"serial\":42,\"next_checkin_s\":9,\"kernel\":{\"action\":\"keep\"},"
			     "\"feed\":\"sta\\u001b[31mble\",\"held\":["),
		0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(
			sut_buf_addf(&b,
				     "{\"patchset\":\"K%d\",\"level\":%d,\"reason\":\"delay\","
				     "\"cves\":[\"CVE-2026-1\",7]},",
				     i, i),
			0);
	assert_int_equal(
		sut_buf_addf(
			&b,
			"5,{\"patchset\":\"\\u001b\",\"reason\":\"x\"}],\"notices\":[7,\"\\u0007\",\"ok\"]}"),
		0);
	liar_says(&w.l, "200 OK", NULL, sut_buf_str(&b));
	assert_ok(checkin_now(&w.n, &err), err);
	held = state_get(&w.n, "held");
	notices = state_get(&w.n, "notices");
	assert_int_equal(json_array_size(held), 64);
	assert_int_equal(json_array_size(json_object_get(json_array_get(held, 0), "cves")), 1);
	assert_int_equal(json_array_size(notices), 1);
	assert_string_equal(w.n.id.feed, "sta?[31mble");
	json_decref(held);
	json_decref(notices);
}

static void what_a_portal_says_never_fills_a_message_of_ours(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(250 << 10);
	_cleanup_(sut_freep) char *all = NULL;
	json_t *j;

	registered();
	assert_int_equal(
		sut_buf_addf(&b,
			     "{\"serial\":42,\"next_checkin_s\":9,\"kernel\":{\"action\":\"keep\"},"
			     "\"held\":["),
		0);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(
			sut_buf_addf(
				&b,
				"%s{\"patchset\":\"K%d\",\"level\":1,\"reason\":\"delay\",\"cves\":[\"x\"",
				i ? "," : "", i),
			0);
		for (int k = 0; k < 200; k++)
			assert_int_equal(sut_buf_addf(&b, ",\"CVE-2026-%05d\"", k), 0);
		assert_int_equal(sut_buf_addf(&b, "]}"), 0);
	}
	assert_int_equal(sut_buf_addf(&b, "]}"), 0);
	assert_true(b.len > WIRE_MAX);
	liar_says(&w.l, "200 OK", NULL, sut_buf_str(&b));
	assert_ok(checkin_now(&w.n, &err), err);
	j = state_document(&w.n);
	all = json_dumps(j, JSON_COMPACT);
	assert_non_null(all);
	assert_true(strlen(all) < WIRE_MAX / 2);
	assert_int_equal(json_array_size(json_object_get(j, "held")), 64);
	json_decref(j);
}

static void endless_answers_and_redirects_are_ended(void **state _unused_)
{
	enum { BIG = 4 << 20 };
	_cleanup_(sut_freep) char *big = malloc(BIG);
	static const char head[] =
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"";

	assert_non_null(big);
	memset(big, 'x', BIG);
	memcpy(big, head, sizeof(head) - 1);
	registered();
	liar_raw(&w.l, big, BIG);
	assert_int_equal(checkin_now(&w.n, &err), -EFBIG);
	liar_says(&w.l, "307 Elsewhere", "Location: http://127.0.0.1:1/\r\n", "");
	assert_int_equal(checkin_now(&w.n, &err), -EPROTO);
	error_says("leads elsewhere");
	/* Nobody else was asked. */
	assert_int_equal(w.l.n, 2);
	liar_raw(&w.l, "nonsense\r\n\r\n", 12);
	assert_true(checkin_now(&w.n, &err) < 0);
	liar_says(&w.l, "204 No Content", NULL, "");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_int_equal(on_disk().serial, 41);
}

/* Those that end checking in, with their trouble. */
static void stops(const char *status, const char *code)
{
	char answer[256];

	w.n.id.trouble[0] = '\0';
	(void)snprintf(answer, sizeof(answer), "{\"code\":\"%s\",\"detail\":\"because\"}", code);
	liar_says(&w.l, status, NULL, answer);
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_string_equal(err.reason, code);
	assert_string_equal(on_disk().trouble, code);
	assert_string_equal(on_disk().system_id, ID);
	assert_int_equal(next_checkin(), -1);
	error_says("register");
	/* Neither a start nor news make it try again. */
	checkin_start(&w.n);
	assert_int_equal(next_checkin(), -1);
	assert_int_equal(checkin_now(&w.n, &err), -EKEYREJECTED);
}

static void one_that_is_not_welcome_any_more_stops_and_says_why(void **state _unused_)
{
	registered();
	stops("401 No", "credential-replaced");
	stops("401 No", "credential-unknown");
	stops("410 Gone", "system-deleted");
	stops("410 Gone", "system-unregistered");
	assert_int_equal(w.l.n, 4);
}

static void a_gateway_that_says_401_is_no_reason_to_stop(void **state _unused_)
{
	registered();
	liar_says(&w.l, "401 Unauthorized", NULL, "<html>proxy</html>");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_string_equal(on_disk().trouble, "");
	assert_true(next_checkin() > 0);
	liar_says(&w.l, "410 Gone", NULL, "{\"code\":\"credential-replaced\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_string_equal(on_disk().trouble, "");
}

static void other_refusals_are_tried_again_when_it_makes_sense(void **state _unused_)
{
	registered();
	liar_says(&w.l, "403 No", NULL, "{\"code\":\"tenant-disabled\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_int_equal(next_checkin(), 3601);
	error_says("operator of the portal");
	liar_says(&w.l, "422 No", NULL, "{\"code\":\"invalid-field\",\"detail\":\"/state\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_int_equal(next_checkin(), 301);
	error_says("/state");
	liar_says(&w.l, "404 No", NULL, "{\"code\":\"not-found\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_int_equal(next_checkin(), 5);
}

/* ------------------------------------------------------------------ */
/* Copies */

static const char cloned[] = "{\"code\":\"cloned\",\"detail\":\"split\"}";
static const char split_answer[] =
	"{\"system_id\":\"" OTHER "\",\"feed\":\"f\",\"serial\":1,\"next_checkin_s\":5}";

static void a_copy_splits_and_sends_its_own_credential_hashed(void **state _unused_)
{
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[65];
	json_t *j;

	registered();
	liar_says(&w.l, "409 No", NULL, cloned);
	liar_says(&w.l, "201 Made", NULL, split_answer);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_string_equal(w.l.path[1], "/v1/split");
	assert_string_equal(w.l.authorization[1], "Bearer " CREDENTIAL);
	assert_string_equal(on_disk().system_id, OTHER);
	assert_string_not_equal(on_disk().credential, CREDENTIAL);
	assert_string_equal(on_disk().next, "");
	assert_string_equal(on_disk().trouble, "");
	assert_int_equal(next_checkin(), 6);
	sut_token_hash(on_disk().credential, hash);
	sut_hex(hash, sizeof(hash), hex);
	j = body(1);
	assert_string_equal(text(j, "credential_sha256"), hex);
	assert_string_equal(text(j, "build_id"), "6d1c00");
	json_decref(j);
	/* The next one is its first: it tells everything, by its own credential. */
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	j = body(2);
	assert_non_null(json_object_get(j, "facts"));
	assert_int_equal(json_integer_value(json_object_get(j, "serial")), 1);
	json_decref(j);
	assert_string_not_equal(w.l.authorization[2], "Bearer " CREDENTIAL);
}

static void
a_split_whose_answer_is_lost_is_asked_for_again_with_the_same_credential(void **state _unused_)
{
	json_t *a, *b;

	registered();
	liar_says(&w.l, "409 No", NULL, cloned);
	liar_raw(&w.l, "", 0);
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_string_equal(on_disk().trouble, "cloned");
	assert_string_equal(on_disk().system_id, ID);
	/* Killed here. It does not check in before it has split. */
	assert_ok(identity_read(w.root, &w.n.id, &err), err);
	liar_says(&w.l, "200 OK", NULL, split_answer);
	assert_ok(checkin_now(&w.n, &err), err);
	assert_string_equal(w.l.path[2], "/v1/split");
	a = body(1);
	b = body(2);
	assert_string_equal(text(a, "credential_sha256"), text(b, "credential_sha256"));
	json_decref(a);
	json_decref(b);
	assert_string_equal(on_disk().system_id, OTHER);
}

static void a_split_that_is_refused_is_tried_again_after_an_hour(void **state _unused_)
{
	registered();
	liar_says(&w.l, "409 No", NULL, cloned);
	liar_says(&w.l, "403 No", NULL, "{\"code\":\"key-limit\"}");
	assert_true(checkin_now(&w.n, &err) < 0);
	assert_in_range(next_checkin(), 3600, 4503);
	assert_string_equal(on_disk().trouble, "cloned");
	error_says("limit raised");
}

static void one_that_is_no_copy_after_all_goes_on(void **state _unused_)
{
	registered();
	liar_says(&w.l, "409 No", NULL, cloned);
	liar_says(&w.l, "409 No", NULL, "{\"code\":\"not-cloned\"}");
	assert_int_equal(checkin_now(&w.n, &err), -ENOLINK);
	assert_string_equal(on_disk().trouble, "");
	assert_string_equal(on_disk().system_id, ID);
	assert_int_equal(next_checkin(), 2);
}

static void a_credential_that_is_spent_is_replaced_once(void **state _unused_)
{
	json_t *a, *b;

	registered();
	liar_says(&w.l, "409 No", NULL, cloned);
	liar_says(&w.l, "409 No", NULL, "{\"code\":\"credential-taken\"}");
	liar_says(&w.l, "201 Made", NULL, split_answer);
	assert_ok(checkin_now(&w.n, &err), err);
	a = body(1);
	b = body(2);
	assert_string_not_equal(text(a, "credential_sha256"), text(b, "credential_sha256"));
	json_decref(a);
	json_decref(b);
}

/* ------------------------------------------------------------------ */
/* The verbs */

/* The answer of a verb, as the one who asked gets it. */
static json_t *call(task_fn run, const char *request)
{
	int pair[2];
	struct task t = {.name = "test", .run = run};
	static char got[WIRE_MAX];
	json_t *j = NULL;
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	t.fd = pair[0];
	t.request = json_loads(request, 0, NULL);
	assert_non_null(t.request);
	run(&w.n, &t);
	json_decref(t.request);
	if (t.fd >= 0)
		close(t.fd);
	/* The last message is the answer. */
	while ((n = recv(pair[1], got, sizeof(got), MSG_DONTWAIT)) > 0) {
		json_decref(j);
		j = json_loadb(got, (size_t)n, 0, NULL);
	}
	close(pair[1]);
	assert_non_null(j);
	assert_non_null(json_object_get(j, "ok"));
	return j;
}

static void refused(task_fn run, const char *request, const char *reason, const char *words)
{
	json_t *j = call(run, request), *e = json_object_get(j, "error");

	if (json_is_true(json_object_get(j, "ok")) || strcmp(text(e, "reason"), reason) != 0 ||
	    !strstr(text(e, "message"), words))
		fail_msg("%s: %s: %s", request, text(e, "reason"), text(e, "message"));
	json_decref(j);
}

static char *request_of(const char *more)
{
	return sut_sprintf("{\"portal\":\"%s/\"%s%s}", w.l.url, *more ? "," : "", more);
}

static void bad_requests_to_register_are_refused_with_advice(void **state _unused_)
{
	static const struct {
		const char *more, *words;
	} cases[] = {
		{"", "either a registration key or a customer ID"},
		{"\"key\":\"" KEY "\",\"customer_id\":\"x\"", "either"},
		{"\"key\":\"sutkey_x\"", "Copy it whole"},
		{"\"key\":\"" CREDENTIAL "\"", "Copy it whole"},
		{"\"customer_id\":\"\"", "1 to 128"},
		{"\"customer_id\":\"x\",\"token\":\"y\"", "sutapi_"},
		{"\"key\":\"" KEY "\",\"ca\":\"x\"", "PEM"},
		{"\"key\":\"" KEY "\",\"external_id\":\"\"", "1 to 255"},
		{"\"key\":\"" KEY "\",\"products\":\"kernel\"", "a list"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *r = request_of(cases[i].more);

		refused(verb_register, r, "usage", cases[i].words);
	}
	refused(verb_register, "{\"key\":\"" KEY "\"}", "usage", "which portal");
	refused(verb_register, "{\"key\":\"" KEY "\",\"portal\":\"ftp://x\"}", "conf", "address");
	assert_int_equal(w.l.n, 0);
	assert_false(identity_registered(&w.n.id));
}

static void every_refusal_of_an_enrolment_says_what_to_do(void **state _unused_)
{
	static const struct {
		const char *status, *code, *words;
	} cases[] = {
		{"403 No", "key-unknown", "copy the registration key whole"},
		{"403 No", "key-expired", "have the registration key extended"},
		{"403 No", "key-revoked", "another registration key"},
		{"403 No", "key-limit", "limit raised"},
		{"403 No", "key-network", "network added"},
		{"403 No", "product-not-covered", "added to the key"},
		{"403 No", "customer-id-needs-token", "API token"},
		{"403 No", "tenant-disabled", "operator"},
		{"409 No", "external-id-taken", "choose another name"},
		{"422 No", "invalid-field", "report it"},
		{"401 No", "token-unknown", "new one made"},
		{"503 No", "busy", "try again later"},
		{"404 No", "not-found", "address of a portal"},
		{"500 No", "internal-error", "try again later"},
	};
	_cleanup_(sut_freep) char *r = request_of("\"key\":\"" KEY "\"");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		char answer[256];

		(void)snprintf(answer, sizeof(answer), "{\"code\":\"%s\",\"detail\":\"x\\u001by\"}",
			       cases[i].code);
		liar_says(&w.l, cases[i].status, NULL, answer);
		/* It asks for less before it gives up. */
		if (sut_streq(cases[i].code, "product-not-covered"))
			liar_says(&w.l, cases[i].status, NULL, answer);
		refused(verb_register, r, cases[i].code, cases[i].words);
	}
	assert_false(identity_registered(&w.n.id));
	assert_string_equal(on_disk().portal, "");
}

static void an_enrolment_is_believed_only_when_it_is_whole(void **state _unused_)
{
	static const char *const lies[] = {
		"{}",
		"[]",
		"{\"system_id\":\"../../etc/passwd\",\"serial\":1}",
		"{\"system_id\":\"" ID "\"}",
		"{\"system_id\":\"" ID "\",\"serial\":-1}",
		"{\"system_id\":17,\"serial\":1}",
	};
	_cleanup_(sut_freep) char *r = request_of("\"key\":\"" KEY "\"");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(lies); i++) {
		liar_says(&w.l, "201 Made", NULL, lies[i]);
		refused(verb_register, r, "portal-malformed", "portal");
	}
	assert_false(identity_registered(&w.n.id));
}

/* Libraries are asked for by default; what was asked for by name is not given up. */
static void a_key_for_kernels_alone_will_do(void **state _unused_)
{
	_cleanup_(sut_freep) char *r = request_of("\"key\":\"" KEY "\"");
	_cleanup_(sut_freep) char *named =
		request_of("\"key\":\"" KEY "\",\"products\":[\"kernel\",\"library\"]");
	json_t *j, *b;

	liar_says(&w.l, "403 No", NULL, "{\"code\":\"product-not-covered\",\"detail\":\"x\"}");
	refused(verb_register, named, "product-not-covered", "added to the key");
	liar_says(&w.l, "403 No", NULL, "{\"code\":\"product-not-covered\",\"detail\":\"x\"}");
	liar_says(&w.l, "201 Made", NULL, ENROLLED);
	j = call(verb_register, r);
	assert_true(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	b = body(1);
	assert_int_equal(json_array_size(json_object_get(b, "products")), 2);
	json_decref(b);
	b = body(2);
	assert_int_equal(json_array_size(json_object_get(b, "products")), 1);
	json_decref(b);
}

static void registers_sends_no_secret_but_the_key_and_survives_a_lost_answer(void **state _unused_)
{
	_cleanup_(sut_freep) char *r = request_of("\"key\":\"" KEY "\",\"external_id\":\"e\"");
	json_t *a, *b, *j;

	liar_raw(&w.l, "", 0);
	refused(verb_register, r, "portal-unreachable", "127.0.0.1");
	assert_int_equal(strlen(on_disk().next), 50);
	/* Killed here, and asked again. */
	assert_ok(identity_read(w.root, &w.n.id, &err), err);
	liar_says(&w.l, "201 Made", NULL, ENROLLED);
	j = call(verb_register, r);
	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_string_equal(text(j, "system_id"), ID);
	assert_string_equal(text(j, "feed"), "stable");
	assert_string_equal(text(j, "warning"), "");
	json_decref(j);
	a = body(0);
	b = body(1);
	assert_string_equal(text(a, "credential_sha256"), text(b, "credential_sha256"));
	assert_string_equal(text(b, "key"), KEY);
	assert_string_equal(text(b, "external_id"), "e");
	assert_null(strstr(w.l.body[1], on_disk().credential));
	assert_string_equal(text(json_object_get(b, "system"), "hostname"), "web-1");
	assert_string_equal(w.l.authorization[1], "");
	json_decref(a);
	json_decref(b);
	assert_string_equal(on_disk().portal, w.l.url);
	assert_string_equal(on_disk().repository, "http://x/repo/");
	assert_int_equal(on_disk().serial, 1);
	assert_int_equal(next_checkin(), 13);
	/* Once more: the same credential, so that nothing changes. */
	liar_says(&w.l, "200 OK", NULL, ENROLLED);
	j = call(verb_register, r);
	assert_true(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	a = body(1);
	b = body(2);
	assert_string_equal(text(a, "credential_sha256"), text(b, "credential_sha256"));
	json_decref(a);
	json_decref(b);
}

static void an_authority_that_did_not_help_is_not_kept(void **state _unused_)
{
	_cleanup_(sut_freep) char *r =
		request_of("\"key\":\"" KEY "\",\"ca\":\"-----BEGIN CERTIFICATE-----\\n\"");
	const struct agent_path ca = agent_path(w.root, AGENT_PORTAL_CA);
	json_t *j;

	liar_says(&w.l, "403 No", NULL, "{\"code\":\"key-unknown\"}");
	refused(verb_register, r, "key-unknown", "");
	assert_false(sut_exists(ca.s));
	assert_false(w.n.id.ca);
	liar_says(&w.l, "201 Made", NULL, ENROLLED);
	j = call(verb_register, r);
	json_decref(j);
	assert_true(sut_exists(ca.s));
	assert_true(on_disk().ca);
}

static void a_customer_id_goes_with_its_token_in_the_header(void **state _unused_)
{
	static const char token[] = "sutapi_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
	_cleanup_(sut_freep) char *more =
		sut_sprintf("\"customer_id\":\"Example\",\"token\":\"%s\"", token);
	_cleanup_(sut_freep) char *r = request_of(more);
	json_t *j;

	liar_says(&w.l, "201 Made", NULL, ENROLLED);
	j = call(verb_register, r);
	json_decref(j);
	assert_true(sut_endswith(w.l.authorization[0], token));
	assert_null(strstr(w.l.body[0], token));
	j = body(0);
	assert_string_equal(text(j, "customer_id"), "Example");
	json_decref(j);
}

static void unregister_forgets_only_when_the_portal_knows(void **state _unused_)
{
	json_t *j;

	registered();
	liar_raw(&w.l, "", 0);
	refused(verb_unregister, "{}", "portal-unreachable", "");
	assert_true(identity_registered(&w.n.id));
	liar_says(&w.l, "500 No", NULL, "{}");
	refused(verb_unregister, "{}", "portal-refused", "");
	assert_true(identity_registered(&w.n.id));
	/* Sent twice means the same. */
	liar_says(&w.l, "410 Gone", NULL, "{\"code\":\"system-unregistered\"}");
	j = call(verb_unregister, "{}");
	assert_true(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	assert_false(identity_registered(&w.n.id));
	assert_string_equal(on_disk().credential, "");
	assert_int_equal(next_checkin(), -1);
}

static void purge_goes_through_without_a_portal_and_leaves_nothing(void **state _unused_)
{
	static const char *const gone[] = {AGENT_IDENTITY, AGENT_TUF, AGENT_JOB_KEY, AGENT_JOBS,
					   AGENT_DOWNLOAD};
	json_t *j;

	registered();
	put(AGENT_TUF "/root.json", "{}");
	put(AGENT_JOB_KEY, "x");
	put(AGENT_JOBS "/x", "x");
	put(AGENT_DOWNLOAD "/x", "x");
	liar_raw(&w.l, "", 0);
	j = call(verb_unregister, "{\"purge\":true}");
	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_true(strstr(text(j, "warning"), "delete the system"));
	json_decref(j);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(gone); i++) {
		const struct agent_path p = agent_path(w.root, gone[i]);

		assert_false(sut_exists(p.s));
	}
}

/* ------------------------------------------------------------------ */
/* A disk that does not do what it should */

static void a_disk_that_cannot_be_written_is_trouble_but_no_end(void **state _unused_)
{
	const struct agent_path dir = agent_path(w.root, AGENT_NET_DIR);
	char trouble[40];
	json_t *j, *e;

	registered();
	/* Root may write anywhere; where there is no folder, nobody can. */
	assert_ok(sut_rm_rf(dir.s, &err), err);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	state_text(&w.n, "trouble", NULL, trouble, sizeof(trouble));
	assert_string_equal(trouble, "disk");
	j = body(0);
	e = json_array_get(json_object_get(j, "errors"), 1);
	assert_string_equal(text(e, "code"), "disk");
	json_decref(j);
	/* One file that can be written does not make the trouble of another one new, line by line. */
	assert_int_equal(w.n.disk & NET_FILE_IDENTITY, NET_FILE_IDENTITY);
	assert_int_equal(net_disk(&w.n, NET_FILE_STATE, 0, NULL), 0);
	assert_int_equal(w.n.disk & NET_FILE_IDENTITY, NET_FILE_IDENTITY);
	/* And over again. */
	assert_ok(sut_mkdir_p(dir.s, &err), err);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	state_text(&w.n, "trouble", NULL, trouble, sizeof(trouble));
	assert_string_equal(trouble, "");
}

/* Else a portal that has been silent for weeks would be so only since the last boot. */
static void when_the_portal_was_last_heard_is_known_after_a_start(void **state _unused_)
{
	char last[32];

	w.n.id.heard_at = 1795000000;
	registered();
	state_text(&w.n, "checkin", "last", last, sizeof(last));
	assert_string_equal(last, "2026-11-18T11:06:40Z");
}

static void without_the_root_half_it_still_reports(void **state _unused_)
{
	const struct agent_path state_file = agent_path(w.root, AGENT_APPLY_STATE);
	json_t *j, *e;

	registered();
	assert_int_equal(unlink(state_file.s), 0);
	liar_says(&w.l, "200 OK", NULL, KEEP);
	assert_ok(checkin_now(&w.n, &err), err);
	j = body(0);
	assert_string_equal(text(j, "state"), "failed");
	e = json_array_get(json_object_get(j, "errors"), 0);
	assert_string_equal(text(e, "code"), "apply-unreachable");
	assert_true(strlen(text(json_object_get(j, "kernel"), "release")) > 3);
	json_decref(j);
}

static void without_a_machine_id_nothing_is_sent(void **state _unused_)
{
	registered();
	put("/etc/machine-id", "");
	assert_int_equal(checkin_now(&w.n, &err), -ENOENT);
	assert_says(err, "systemd-machine-id-setup");
	put("/etc/machine-id", "uninitialized\n");
	assert_int_equal(checkin_now(&w.n, &err), -ENOENT);
	put("/etc/machine-id", "xyz\n");
	assert_int_equal(checkin_now(&w.n, &err), -EBADMSG);
	assert_int_equal(w.l.n, 0);
}

static void an_agent_that_cannot_decide_does_not_besiege_the_portal(void **state _unused_)
{
	int at_once = 0;

	registered();
	for (int i = 0; i < 100; i++) {
		net_due_in(&w.n, NET_DUE_CHECKIN, 287);
		checkin_soon(&w.n);
		at_once += next_checkin() == 0;
	}
	assert_int_equal(at_once, 10);
	assert_in_range(next_checkin(), 1, 61);
	w.boot += 120;
	net_due_in(&w.n, NET_DUE_CHECKIN, 287);
	checkin_soon(&w.n);
	assert_int_equal(next_checkin(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_checkin_reports_all_and_keeps_what_is_told),
		T(facts_are_told_again_only_when_they_changed),
		T(the_nonce_is_durable_before_it_is_sent_and_the_same_until_an_answer_comes),
		T(without_an_answer_it_waits_longer_and_longer_but_not_for_ever),
		T(retry_after_is_obeyed_and_some_more_within_reason),
		T(a_heartbeat_of_its_own_wins),
		T(lies_change_nothing),
		T(numbers_beyond_reason_are_cut),
		T(what_is_for_people_is_bounded_and_printable),
		T(what_a_portal_says_never_fills_a_message_of_ours),
		T(endless_answers_and_redirects_are_ended),
		T(one_that_is_not_welcome_any_more_stops_and_says_why),
		T(a_gateway_that_says_401_is_no_reason_to_stop),
		T(other_refusals_are_tried_again_when_it_makes_sense),
		T(a_copy_splits_and_sends_its_own_credential_hashed),
		T(a_split_whose_answer_is_lost_is_asked_for_again_with_the_same_credential),
		T(a_split_that_is_refused_is_tried_again_after_an_hour),
		T(one_that_is_no_copy_after_all_goes_on),
		T(a_credential_that_is_spent_is_replaced_once),
		T(bad_requests_to_register_are_refused_with_advice),
		T(every_refusal_of_an_enrolment_says_what_to_do),
		T(an_enrolment_is_believed_only_when_it_is_whole),
		T(a_key_for_kernels_alone_will_do),
		T(registers_sends_no_secret_but_the_key_and_survives_a_lost_answer),
		T(an_authority_that_did_not_help_is_not_kept),
		T(a_customer_id_goes_with_its_token_in_the_header),
		T(unregister_forgets_only_when_the_portal_knows),
		T(purge_goes_through_without_a_portal_and_leaves_nothing),
		T(a_disk_that_cannot_be_written_is_trouble_but_no_end),
		T(when_the_portal_was_last_heard_is_known_after_a_start),
		T(without_the_root_half_it_still_reports),
		T(without_a_machine_id_nothing_is_sent),
		T(an_agent_that_cannot_decide_does_not_besiege_the_portal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
