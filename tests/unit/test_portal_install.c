// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "crypto/minisign.h"
#include "install/anchors.h"
#include "install/script.h"
#include "sample_portal.h"
#include "sample_tuf.h"
#include "web/script.h"

static char folder[200];    /* of the packages */
static char root_file[250]; /* repository-root */

static void put(const char *name, const char *text)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", folder, name);
	struct sut_err err = {0};

	assert_non_null(path);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

static void configure(struct server_conf *c)
{
	free(c->url);
	c->url = strdup("https://portal.example");
	sample_portal_conf(c)->agent_dir = strdup(folder);
}

static void with_root(struct server_conf *c)
{
	configure(c);
	sample_portal_conf(c)->repository_root = strdup(root_file);
}

static void only_url(struct server_conf *c)
{
	free(c->url);
	c->url = strdup("https://portal.example");
}

/* A random key of the first tenant; more: columns and values for the row. */
static void sample_key(struct sample_server *s, const char *columns, const char *values,
		       char ret[static SUT_TOKEN_MAX])
{
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[2 * SUT_TOKEN_HASH + 1];
	char sql[1000];
	static int n;

	assert_int_equal(sut_token_make(SUT_TOKEN_KEY, ret, NULL), 0);
	sut_token_hash(ret, hash);
	sut_hex(hash, sizeof(hash), hex);
	snprintf(
		sql, sizeof(sql),
		"INSERT INTO keys (uid, tenant, kind, hash, feed, created, created_by%s) "
		"SELECT 'k%d', %lld, 'random', %s%s', id, 0, 'x'%s FROM feeds WHERE tenant = 0 AND name = "
		"'stable'",
		columns, n++, (long long)s->tenant[0].id,
		sut_db_engine(s->c) == SUT_DB_SQLITE ? "x'" : "'\\x", hex, values);
	sample_sql(s, sql);
}

static int post(struct sample_server *s, const char *body)
{
	return sample_call_raw(s, "POST", "/install", NULL, body, strlen(body));
}

/* The value that the script of the last answer has, as a shell sees it. */
static void value(struct sample_server *s, const char *name, struct sut_buf *ret)
{
	_cleanup_(sut_freep) char *script = NULL;
	const char *text = sut_buf_str(&s->r.raw), *end = strstr(text, "# --- end of settings");
	const char *argv[] = {"sh", NULL};
	struct sut_err err = {0};

	assert_non_null(end);
	script = sut_sprintf("%.*s\nprintf %%s \"$%s\"", (int)(end - text), text, name);
	assert_non_null(script);
	ret->len = 0;
	assert_ok(sut_run_ok(argv,
			     &(struct sut_run_opts){
				     .in = script, .in_len = strlen(script), .out = ret},
			     &err),
		  err);
}

static void the_script_names_packages_and_their_hashes(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20);

	put("suture_1.9-1_amd64.deb", "old");
	put("suture_1.10-1_amd64.deb", "new");
	put("suture-1.10-1.x86_64.rpm", "rpm");
	put("suture-dkms_1.10-1_all.deb",
	    "source of the engine: fits every machine, and is no agent");
	put("suture-process_1.9-1_amd64.deb", "old");
	put("suture-process_1.10-1_amd64.deb", "libraries");
	put("notes.txt", "x");
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_status(s, 200);
	assert_string_equal(s->r.type, "text/x-shellscript; charset=utf-8");
	assert_memory_equal(s->r.raw.data, "#!/bin/sh\n", 10);
	value(s, "portal", &v);
	assert_string_equal(sut_buf_str(&v), "https://portal.example");
	value(s, "packages", &v);
	assert_string_equal(
		sut_buf_str(&v),
		"rpm x86_64 suture-1.10-1.x86_64.rpm "
		"9e7ab438597fee20e16e8e441bed0ce966bd59e0fb993fa7c94be31fb1384d88 agent\n"
		"deb amd64 suture-process_1.10-1_amd64.deb "
		"01cfc309bfc026dd4c48b8c92e1fa89ff3ad31e831e1355002d32c7a6cf6d48c libraries\n"
		"deb amd64 suture_1.10-1_amd64.deb "
		"11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437 agent");
	value(s, "suture_key", &v);
	assert_int_equal(v.len, 0);
	value(s, "ca", &v);
	assert_int_equal(v.len, 0);
	/* what is put there counts at once */
	put("suture_1.10-1_amd64.deb", "other");
	sample_call(s, "GET", "/install", NULL, NULL);
	value(s, "packages", &v);
	assert_null(strstr(sut_buf_str(&v), "11507a0e"));
}

static void a_good_key_comes_with_the_script(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20);
	char key[SUT_TOKEN_MAX], body[100];

	put("suture_1.10-1_amd64.deb", "new");
	sample_key(s, "", "", key);
	post(s, key);
	assert_status(s, 200);
	value(s, "suture_key", &v);
	assert_string_equal(sut_buf_str(&v), key);
	/* as it comes from a file or a form */
	snprintf(body, sizeof(body), " %s\r\n", key);
	post(s, body);
	assert_status(s, 200);
	value(s, "suture_key", &v);
	assert_string_equal(sut_buf_str(&v), key);
	assert_int_equal(sample_number(s, "SELECT SUM(systems) FROM keys"), 0);
}

static void a_key_that_is_not_good_gives_a_problem_and_no_script(void **state)
{
	struct sample_server *s = *state;
	char key[SUT_TOKEN_MAX], long_key[300];

	put("suture_1.10-1_amd64.deb", "new");
	post(s, "sutkey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	assert_problem(s, 403, "key-unknown");
	post(s, "");
	assert_problem(s, 403, "key-unknown");
	post(s, "'; rm -rf /; '");
	assert_problem(s, 403, "key-unknown");
	memset(long_key, 'x', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = 0;
	post(s, long_key);
	assert_problem(s, 403, "key-unknown");
	sample_key(s, ", expires", ", 1", key);
	post(s, key);
	assert_problem(s, 403, "key-expired");
	sample_key(s, ", revoked", ", 1", key);
	post(s, key);
	assert_problem(s, 403, "key-revoked");
	sample_key(s, ", networks", ", '[\"10.0.0.0/8\"]'", key);
	post(s, key);
	assert_problem(s, 403, "key-network");
	s->peer = "10.1.2.3";
	post(s, key);
	assert_status(s, 200);
}

static void a_customer_id_counts_only_from_its_networks(void **state)
{
	struct sample_server *s = *state;
	char sql[500];

	put("suture_1.10-1_amd64.deb", "new");
	for (int i = 0; i < 2; i++) {
		snprintf(
			sql, sizeof(sql),
			"INSERT INTO keys (uid, tenant, kind, customer_id, feed, networks, created, created_by)"
			" SELECT 'c%d', %lld, 'customer', 'customer-%d', id, '%s', 0, 'x' FROM feeds WHERE "
			"tenant = 0 AND name = 'stable'",
			i, (long long)s->tenant[0].id, i, i ? "[\"10.0.0.0/8\"]" : "[]");
		sample_sql(s, sql);
	}
	s->peer = "10.1.2.3";
	post(s, "customer-0");
	assert_problem(s, 403, "key-unknown");
	post(s, "customer-1");
	assert_status(s, 200);
	s->peer = "192.0.2.1";
	post(s, "customer-1");
	assert_problem(s, 403, "key-network");
}

static void without_packages_it_says_who_has_to_do_what(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/install", NULL, NULL);
	assert_problem(s, 503, "install-not-configured");
	assert_non_null(strstr(sample_text(s, "detail"), "agent-packages"));
	sample_call(s, "GET", "/agent/suture_1.10-1_amd64.deb", NULL, NULL);
	assert_problem(s, 404, "not-found");
}

static void only_packages_are_handed_out(void **state)
{
	static const char *const no[] = {
		"ca.pem",	  "notes.txt",		".hidden_1_amd64.deb",
		"..%2fx_1_a.deb", "suture_2_amd64.deb", "link_1_amd64.deb",
		"dir_1_amd64.deb"};
	struct sample_server *s = *state;
	char path[300];

	put("suture_1.10-1_amd64.deb", "new");
	put("ca.pem", "x");
	put("notes.txt", "x");
	put(".hidden_1_amd64.deb", "x");
	snprintf(path, sizeof(path), "%s/link_1_amd64.deb", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/dir_1_amd64.deb", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	sample_call(s, "GET", "/agent/suture_1.10-1_amd64.deb", NULL, NULL);
	assert_status(s, 200);
	assert_string_equal(s->r.file, "suture_1.10-1_amd64.deb");
	assert_true(s->r.folder > 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++) {
		snprintf(path, sizeof(path), "/agent/%s", no[i]);
		sample_call(s, "GET", path, NULL, NULL);
		assert_problem(s, 404, "not-found");
	}
}

static void run_openssl(const char *const *argv)
{
	struct sut_err err = {0};

	assert_ok(sut_run_ok(argv, &(struct sut_run_opts){.cwd = folder}, &err), err);
}

static void the_certificate_of_a_private_authority_goes_with_it(void **state)
{
	static const char *const make[] = {"openssl",
					   "req",
					   "-x509",
					   "-newkey",
					   "ec",
					   "-pkeyopt",
					   "ec_paramgen_curve:P-256",
					   "-nodes",
					   "-keyout",
					   "key.pem",
					   "-out",
					   "cert.pem",
					   "-subj",
					   "/CN=portal.example",
					   "-days",
					   "30",
					   NULL};
	static const char *const leaf[] = {
		"sh", "-c",
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr "
		"-subj /CN=leaf && openssl x509 -req -in leaf.csr -CA cert.pem -CAkey key.pem -days 30 -out "
		"leaf.pem && cat cert.pem key.pem >ca.pem && cat leaf.pem cert.pem >chain.pem",
		NULL};
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20), none = SUT_BUF_INIT(1),
				     want = SUT_BUF_INIT(1 << 16), ca = SUT_BUF_INIT(1 << 16);
	_cleanup_(sut_freep) char *cert = sut_sprintf("%s/cert.pem", folder);
	_cleanup_(sut_freep) char *chain = sut_sprintf("%s/chain.pem", folder);
	_cleanup_(sut_freep) char *leaf_file = sut_sprintf("%s/leaf.pem", folder);
	struct sut_err err = {0};

	put("suture_1.10-1_amd64.deb", "new");
	run_openssl(make);
	run_openssl(leaf);
	assert_ok(sut_file_read(cert, &want, &err), err);
	/* ca.pem, without the private key that somebody left in it */
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_status(s, 200);
	assert_null(strstr(sut_buf_str(&s->r.raw), "PRIVATE"));
	value(s, "ca", &v);
	assert_string_equal(sut_buf_str(&v), sut_buf_str(&want));
	/* without ca.pem: the portal's own certificate when it signed itself, or the root in its chain */
	assert_ok(web_script_ca(&none, cert, &ca, &err), err);
	assert_string_equal(sut_buf_str(&ca), sut_buf_str(&want));
	ca.len = 0;
	assert_ok(web_script_ca(&none, chain, &ca, &err), err);
	assert_string_equal(sut_buf_str(&ca), sut_buf_str(&want));
	ca.len = 0;
	assert_ok(web_script_ca(&none, leaf_file, &ca, &err), err);
	assert_int_equal(ca.len, 0);
}

/* A public key file; its second line goes to ret. */
static void put_key(const char *name, char ret[static 57])
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *priv = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub m;
	struct sut_err err = {0};
	const char *line;

	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &priv, &err), err);
	assert_ok(sut_privkey_public(priv, &pub, &err), err);
	assert_ok(sut_minisign_pub_of(pub, &m, &err), err);
	assert_ok(sut_minisign_pub_format(&m, "somebody; rm -rf /", &text, &err), err);
	put(name, sut_buf_str(&text));
	line = strchr(sut_buf_str(&text), '\n') + 1;
	assert_int_equal(strcspn(line, "\n"), 56);
	snprintf(ret, 57, "%s", line);
}

/* *ret: what it holds */
static void put_root(const char *path, struct sut_buf *ret)
{
	_cleanup_sample_tuf_ struct sample_tuf *t = sample_tuf_new();
	struct sut_err err = {0};

	sample_tuf_file(t, SUT_TUF_ROOT, ret);
	assert_ok(sut_file_write(path, ret->data, ret->len, 0644, &err), err);
}

static void the_script_brings_root_and_keys(void **state)
{
	struct sample_server *s = *state;
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_freep) char *own = sut_sprintf("%s/root.json", folder);
	_cleanup_(sut_freep) char *jobs = sut_sprintf("%s/job-keys", folder);
	_cleanup_buf_ struct sut_buf of_portal = SUT_BUF_INIT(1 << 16),
				     beside = SUT_BUF_INIT(1 << 16);
	char vendor[57], ours[57], job[57], want[400];
	struct sut_err err = {0};

	put("suture_1.10-1_amd64.deb", "new");
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_status(s, 200);
	value(s, "keys", &v);
	assert_int_equal(v.len, 0);
	put_key("vendor.pub", vendor);
	put_key("ours.pub", ours);
	assert_ok(sut_mkdir_p(jobs, &err), err);
	put_key("job-keys/console.pub", job);
	put_root(root_file, &of_portal);
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_status(s, 200);
	value(s, "keys", &v);
	snprintf(want, sizeof(want), "keys.d ours %s\nkeys.d vendor %s\njob-keys.d console %s",
		 ours, vendor, job);
	assert_string_equal(sut_buf_str(&v), want);
	/* what somebody wrote into a comment is handed to no shell */
	assert_null(strstr(sut_buf_str(&s->r.raw), "rm -rf /"));
	/* the root is that of the portal's own repository, unless another one lies beside the packages */
	value(s, "root", &v);
	assert_string_equal(sut_buf_str(&v), sut_buf_str(&of_portal));
	put_root(own, &beside);
	sample_call(s, "GET", "/install", NULL, NULL);
	value(s, "root", &v);
	assert_string_equal(sut_buf_str(&v), sut_buf_str(&beside));
	/* they are no packages */
	sample_call(s, "GET", "/agent/vendor.pub", NULL, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", "/agent/root.json", NULL, NULL);
	assert_problem(s, 404, "not-found");
}

/* A secret key that was put there by mistake, a damaged root: no agent gets half of what it needs. */
static void what_is_wrong_with_root_or_keys_is_not_handed_out(void **state)
{
	static const struct {
		const char *name, *text;
	} wrong[] = {
		{"root.json", "{}"},
		{"root.json", ""},
		{"vendor.pub", "untrusted comment: minisign encrypted secret key\n"
			       "RWRTY0IyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"},
		{"vendor.pub", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
		{"job-keys/a.pub", "x"},
	};
	struct sample_server *s = *state;
	char key[57], path[300];
	struct sut_err err = {0};

	put("suture_1.10-1_amd64.deb", "new");
	snprintf(path, sizeof(path), "%s/job-keys", folder);
	assert_ok(sut_mkdir_p(path, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++) {
		put(wrong[i].name, wrong[i].text);
		sample_call(s, "GET", "/install", NULL, NULL);
		assert_problem(s, 503, "install-not-configured");
		assert_non_null(strstr(sample_text(s, "detail"), "doctor"));
		snprintf(path, sizeof(path), "%s/%s", folder, wrong[i].name);
		assert_int_equal(unlink(path), 0);
	}
	/* a name that a shell or a folder would take for something else */
	put_key("$(id).pub", key);
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_problem(s, 503, "install-not-configured");
	snprintf(path, sizeof(path), "%s/$(id).pub", folder);
	assert_int_equal(unlink(path), 0);
	/* one that others may change is nobody's word */
	put_key("vendor.pub", key);
	snprintf(path, sizeof(path), "%s/vendor.pub", folder);
	assert_int_equal(chmod(path, 0666), 0);
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_problem(s, 503, "install-not-configured");
	assert_int_equal(chmod(path, 0644), 0);
	sample_call(s, "GET", "/install", NULL, NULL);
	assert_status(s, 200);
}

static void names_of_packages(void **state _unused_)
{
	static const struct {
		const char *file, *format, *arch, *version;
	} good[] = {
		{"suture_1.2-1_amd64.deb", "deb", "amd64", "1.2-1"},
		{"suture-agent_1.2~rc1+b1_all.deb", "deb", "all", "1.2~rc1+b1"},
		{"suture-agent-1.2-3.el9.x86_64.rpm", "rpm", "x86_64", "1.2-3.el9"},
	};
	static const char *const wrong[] = {
		"",
		"x.deb",
		"_1_amd64.deb",
		"a__amd64.deb",
		"a_1_.deb",
		"a_1_amd64.deb.sig",
		"a-1.x86_64.rpm",
		"-a-1-1.x86_64.rpm",
		"a-1-1.rpm",
		"a;id_1_amd64.deb",
		"a 1_1_amd64.deb",
		"a'_1_amd64.deb",
		"../a_1_amd64.deb",
		".a_1_amd64.deb",
	};
	struct package p;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++) {
		assert_true(package_name(good[i].file, &p));
		assert_string_equal(p.format, good[i].format);
		assert_string_equal(p.arch, good[i].arch);
		assert_string_equal(p.version, good[i].version);
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++)
		if (package_name(wrong[i], &p))
			fail_msg("%s is no package", wrong[i]);
}

static void values_are_quoted_for_the_shell(void **state _unused_)
{
	struct sample_server s = {.r.raw = SUT_BUF_INIT(1 << 20)};
	_cleanup_buf_ struct sut_buf v = SUT_BUF_INIT(1 << 20);
	const struct script x = {.portal = "it's $(id) `id` \"\\", .ca = "a\nb", .key = "'"};
	struct sut_err err = {0};

	assert_ok(script_write(&x, &s.r.raw, &err), err);
	value(&s, "portal", &v);
	assert_string_equal(sut_buf_str(&v), x.portal);
	value(&s, "ca", &v);
	assert_string_equal(sut_buf_str(&v), x.ca);
	value(&s, "suture_key", &v);
	assert_string_equal(sut_buf_str(&v), x.key);
	sut_buf_release(&s.r.raw);
}

/* A folder for each case. */
#define CASE(f)                                                                                    \
	static void f##_(void **state)                                                             \
	{                                                                                          \
		struct sut_err err = {0};                                                          \
                                                                                                   \
		assert_ok(sut_rm_rf(folder, &err), err);                                           \
		assert_ok(sut_mkdir_p(folder, &err), err);                                         \
		f(state);                                                                          \
	}
CASE(the_script_names_packages_and_their_hashes)
CASE(a_good_key_comes_with_the_script)
CASE(a_key_that_is_not_good_gives_a_problem_and_no_script)
CASE(a_customer_id_counts_only_from_its_networks)
CASE(without_packages_it_says_who_has_to_do_what)
CASE(only_packages_are_handed_out)
CASE(the_certificate_of_a_private_authority_goes_with_it)
CASE(the_script_brings_root_and_keys)
CASE(what_is_wrong_with_root_or_keys_is_not_handed_out)

int main(void)
{
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
#define ENTRY(f)                                                                                   \
	{                                                                                          \
#f, f##_, configure, 0                                                             \
	}
	static const struct sample_server_case cases[] = {
		{"names_of_packages", names_of_packages, NULL, SUT_DB_SQLITE},
		{"values_are_quoted_for_the_shell", values_are_quoted_for_the_shell, NULL,
		 SUT_DB_SQLITE},
		ENTRY(the_script_names_packages_and_their_hashes),
		ENTRY(a_good_key_comes_with_the_script),
		ENTRY(a_key_that_is_not_good_gives_a_problem_and_no_script),
		ENTRY(a_customer_id_counts_only_from_its_networks),
		ENTRY(without_packages_it_says_who_has_to_do_what),
		{"without_a_folder_it_says_who_has_to_do_what",
		 without_packages_it_says_who_has_to_do_what_, only_url, 0},
		ENTRY(only_packages_are_handed_out),
		ENTRY(the_certificate_of_a_private_authority_goes_with_it),
		{"the_script_brings_root_and_keys", the_script_brings_root_and_keys_, with_root, 0},
		ENTRY(what_is_wrong_with_root_or_keys_is_not_handed_out),
	};
	int bad;

	if (sut_tmpdir("install", &dir, &err) < 0)
		return 1;
	snprintf(folder, sizeof(folder), "%s/packages", dir);
	snprintf(root_file, sizeof(root_file), "%s/root.json", dir);
	bad = SAMPLE_PORTAL_RUN(cases);
	(void)!sut_rm_rf(dir, &err);
	return bad;
}
