// SPDX-License-Identifier: Apache-2.0
/*
 * sutured killed before every system call of a check-in, an enrolment and a split in turn, and with a disk that fails at every
 * place: who it is stays known, nothing is done twice, and the next run goes on.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "liar.h"
#include "sutured/checkin.h"
#include "sutured/verb.h"

#define ID "7f3k9m2q4r8s1t5v"
#define OTHER "0000000000000001"
#define CREDENTIAL "sutsys_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define KEY "sutkey_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"

enum { PLACES_MAX = 5000 };

static const char told[] = "{\"serial\":42,\"next_checkin_s\":287,\"feed\":\"stable\","
			   "\"kernel\":{\"action\":\"none\"}}";
static const char enrolled[] = "{\"system_id\":\"" ID "\",\"serial\":1}";
static const char cloned[] = "{\"code\":\"cloned\"}";
static const char split_answer[] = "{\"system_id\":\"" OTHER "\",\"serial\":1}";

static char *root;
static struct liar l;
static struct sut_err err;

static void put(const char *path, const char *text)
{
	const struct agent_path p = agent_path(root, path);
	_cleanup_(sut_freep) char *dir = strndup(p.s, (size_t)(strrchr(p.s, '/') - p.s));

	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(sut_file_write(p.s, text, strlen(text), 0600, &err), err);
}

static void begin(bool registered)
{
	struct identity i = {0};

	assert_ok(sut_tmpdir("faults", &root, &err), err);
	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put(AGENT_APPLY_STATE, "{\"format\":\"suture-apply-state\",\"boot_id\":\"b\"}");
	liar_start(&l);
	if (registered) {
		memcpy(i.system_id, ID, sizeof(ID));
		memcpy(i.credential, CREDENTIAL, sizeof(CREDENTIAL));
		(void)snprintf(i.portal, sizeof(i.portal), "%s", l.url);
		i.serial = 41;
	}
	put(AGENT_NET_DIR "/x", "");
	assert_ok(identity_write(root, &i, &err), err);
}

static void end(void)
{
	liar_stop(&l);
	assert_ok(sut_rm_rf(root, &err), err);
	free(root);
}

/* A life of the agent: it starts, reads who it is, does one thing, and ends. */
static int live(void (*what)(struct net *n))
{
	struct net n;

	if (net_init(&n, root, &net_ops_real, &err) < 0 ||
	    agent_conf_read(root, &n.conf, &err) < 0 || identity_read(root, &n.id, &err) < 0)
		return 1;
	memcpy(n.conf.proxy, "none", 5);
	what(&n);
	state_save(&n);
	net_release(&n);
	return 0;
}

static void check_in(struct net *n)
{
	(void)!checkin_now(n, &err);
}

static void enrol(struct net *n)
{
	struct task t = {.fd = -1};

	t.request = json_pack("{s:s, s:s}", "portal", l.url, "key", KEY);
	verb_register(n, &t);
	json_decref(t.request);
}

static int live_check_in(void *arg _unused_)
{
	return live(check_in);
}

static int live_enrol(void *arg _unused_)
{
	return live(enrol);
}

/* Also asserts that it can be read: it is the old one or the new one. */
static struct identity on_disk(void)
{
	struct identity i;

	assert_ok(identity_read(root, &i, &err), err);
	return i;
}

static char *member(size_t at, const char *name)
{
	json_t *j = json_loads(l.body[at], 0, NULL);
	const char *s = json_string_value(json_object_get(j, name));
	char *copy = s ? strdup(s) : NULL;

	json_decref(j);
	return copy;
}

/* Every request that was sent has the same one: for the portal they are one. */
static void all_the_same(const char *name)
{
	_cleanup_(sut_freep) char *first = member(0, name);

	assert_non_null(first);
	for (size_t i = 1; i < l.n; i++) {
		_cleanup_(sut_freep) char *other = member(i, name);

		assert_string_equal(first, other);
	}
}

static void killed_anywhere_in_a_checkin_it_goes_on_with_the_same_nonce(void **state _unused_)
{
	struct fault_plan plan = {.kind = FAULT_KILL};
	struct fault_result got = {.status = -9};

	for (plan.n = 1; plan.n < PLACES_MAX && got.status == -9; plan.n++) {
		begin(true);
		liar_says(&l, "200 OK", NULL, told);
		liar_says(&l, "200 OK", NULL, told);
		fault_run(live_check_in, NULL, &plan, &got);
		assert_string_equal(on_disk().credential, CREDENTIAL);
		assert_true(on_disk().serial == 41 || on_disk().serial == 42);
		if (on_disk().serial == 41) {
			assert_int_equal(live_check_in(NULL), 0);
			assert_int_equal(on_disk().serial, 42);
			assert_true(l.n == 1 || l.n == 2);
			all_the_same("nonce");
		}
		assert_string_equal(on_disk().nonce, "");
		end();
	}
	assert_int_equal(got.status, 0);
	assert_true(plan.n > 50);
}

static void killed_anywhere_in_an_enrolment_it_is_one_system(void **state _unused_)
{
	struct fault_plan plan = {.kind = FAULT_KILL};
	struct fault_result got = {.status = -9};

	for (plan.n = 1; plan.n < PLACES_MAX && got.status == -9; plan.n++) {
		begin(false);
		liar_says(&l, "201 Made", NULL, enrolled);
		liar_says(&l, "200 OK", NULL, enrolled);
		fault_run(live_enrol, NULL, &plan, &got);
		(void)on_disk();
		assert_int_equal(live_enrol(NULL), 0);
		assert_string_equal(on_disk().system_id, ID);
		assert_string_equal(on_disk().next, "");
		/* The portal saw one credential, however often it was asked. */
		all_the_same("credential_sha256");
		end();
	}
	assert_int_equal(got.status, 0);
	assert_true(plan.n > 50);
}

static void killed_anywhere_in_a_split_it_becomes_one_system_of_its_own(void **state _unused_)
{
	struct fault_plan plan = {.kind = FAULT_KILL};
	struct fault_result got = {.status = -9};

	for (plan.n = 1; plan.n < PLACES_MAX && got.status == -9; plan.n++) {
		_cleanup_(sut_freep) char *hash = NULL;

		begin(true);
		liar_always(&l, "/v1/checkin", "409 No", cloned);
		liar_always(&l, "/v1/split", "201 Made", split_answer);
		fault_run(live_check_in, NULL, &plan, &got);
		if (strcmp(on_disk().system_id, OTHER) != 0)
			assert_int_equal(live_check_in(NULL), 0);
		assert_string_equal(on_disk().system_id, OTHER);
		assert_string_equal(on_disk().trouble, "");
		/* All splits that were asked for are one. */
		for (size_t i = 0; i < l.n; i++)
			if (!strcmp(l.path[i], "/v1/split")) {
				_cleanup_(sut_freep) char *sent = member(i, "credential_sha256");

				if (hash)
					assert_string_equal(sent, hash);
				else
					hash = sut_steal(sent);
			}
		end();
	}
	assert_int_equal(got.status, 0);
	assert_true(plan.n > 50);
}

static void a_disk_that_is_full_anywhere_costs_no_identity(void **state _unused_)
{
	static const int errors[] = {ENOSPC, EROFS, EIO};

	for (size_t e = 0; e < SUT_ARRAY_SIZE(errors); e++) {
		struct fault_plan plan = {.kind = FAULT_ERROR, .error = errors[e]};
		struct fault_result got = {.nr = 0};

		for (plan.n = 1; plan.n < PLACES_MAX && got.nr >= 0; plan.n++) {
			begin(true);
			liar_says(&l, "200 OK", NULL, told);
			fault_run(live_check_in, NULL, &plan, &got);
			assert_int_equal(got.status, 0);
			assert_string_equal(on_disk().system_id, ID);
			assert_string_equal(on_disk().credential, CREDENTIAL);
			/* It was told to the portal all the same. */
			assert_int_equal(l.n, 1);
			end();
		}
		assert_true(plan.n > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_in_a_checkin_it_goes_on_with_the_same_nonce),
		cmocka_unit_test(killed_anywhere_in_an_enrolment_it_is_one_system),
		cmocka_unit_test(killed_anywhere_in_a_split_it_becomes_one_system_of_its_own),
		cmocka_unit_test(a_disk_that_is_full_anywhere_costs_no_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
