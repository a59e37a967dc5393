// SPDX-License-Identifier: Apache-2.0
/* Mirrors and proxies of a machine, as its own apt tells them; and what a build root is made with. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "library/mirror.h"
#include "library/root.h"

static const char listed[] = "bullseye http://old.example/debian/\n"
			     "bookworm file:/srv/debian/\n"
			     "bookworm-updates http://never.example/a b\n"
			     "bookworm https://mirror.example/debian/\n"
			     "bookworm http://second.example/debian/\n"
			     "bookworm-security http://sec.example/fixes\n"
			     "bookworm-updates-extra http://never.example/debian/\n"
			     "bookworm-updates";

static void the_first_mirror_of_each_codename_counts(void **state)
{
	_cleanup_(sut_mirrors_release) struct sut_mirrors m = {0};

	(void)state;
	assert_int_equal(sut_mirrors_parse(&m, listed, "bookworm"), 0);
	assert_int_equal(m.lines.n, 6);
	assert_string_equal(m.lines.v[0], "deb https://mirror.example/debian bookworm main");
	assert_string_equal(m.lines.v[1], "deb-src https://mirror.example/debian bookworm main");
	assert_string_equal(m.lines.v[2], "deb http://deb.debian.org/debian bookworm-updates main");
	assert_string_equal(m.lines.v[5],
			    "deb-src http://sec.example/fixes bookworm-security main");
	assert_true(m.own && m.tls);
}

static void without_a_mirror_it_is_deb_debian_org(void **state)
{
	static const char *const texts[] = {
		"", "bullseye http://old.example/debian/\n",
		("bookworm http://deb.debian.org/debian/\n"
		 "bookworm-security http://deb.debian.org/debian-security/\n")};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		_cleanup_(sut_mirrors_release) struct sut_mirrors m = {0};

		assert_int_equal(sut_mirrors_parse(&m, texts[i], "bookworm"), 0);
		assert_string_equal(m.lines.v[0], "deb http://deb.debian.org/debian bookworm main");
		assert_string_equal(
			m.lines.v[4],
			"deb http://deb.debian.org/debian-security bookworm-security main");
		assert_false(m.own || m.tls);
	}
}

static void proxies_are_taken_and_nothing_else(void **state)
{
	static const char dump[] = "Acquire::http::Timeout \"9\";\n"
				   "Acquire::http::Proxy \"http://proxy.example:3128\";\n"
				   "Acquire::http::Proxy::near.example \"DIRECT\";\n"
				   "Acquire::http::Proxy-Auto-Detect \"/usr/bin/x\";\n"
				   "Acquire::https::Proxy \"http://tls.example:1\";";
	_cleanup_(sut_mirrors_release) struct sut_mirrors m = {0};

	(void)state;
	assert_int_equal(sut_mirrors_parse_proxies(&m, dump), 0);
	assert_int_equal(m.proxies.n, 3);
	assert_string_equal(m.proxies.v[1], "Acquire::http::Proxy::near.example \"DIRECT\";");
	assert_string_equal(m.proxies.v[2], "Acquire::https::Proxy \"http://tls.example:1\";");
}

/* ---- with apt itself, and a folder of its settings ---- */

static char *dir;

static void put(const char *name, mode_t mode, const char *text)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);

	assert_int_equal(sut_file_write(path, text, strlen(text), mode, NULL), 0);
}

static void release_file(const char *site, const char *dist, const char *origin,
			 const char *codename)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("lists/%s_dists_%s_Release", site, dist);
	_cleanup_(sut_freep) char *list =
		sut_sprintf("lists/%s_dists_%s_main_binary-amd64_Packages", site, dist);
	_cleanup_(sut_freep) char *text = sut_sprintf(
		"Origin: %s\nCodename: %s\nDate: Sat, 01 Nov 2025 00:00:00 +0000\nArchitectures: amd64\n"
		"Components: main\nSHA256:\n %s 0 main/binary-amd64/Packages\n",
		origin, codename,
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

	put(name, 0644, text);
	put(list, 0644, "");
}

static int setup(void **state)
{
	_cleanup_(sut_freep) char *partial = NULL, *parts = NULL, *conf = NULL, *path = NULL;
	struct sut_err err = {0};

	(void)state;
	if (sut_tmpdir("suture-test", &dir, &err) < 0)
		return -1;
	partial = sut_sprintf("%s/lists/partial", dir);
	parts = sut_sprintf("%s/parts", dir);
	path = sut_sprintf("%s/apt.conf", dir);
	conf = sut_sprintf("Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"%s/\";\n"
			   "Dir::State::lists \"%s/lists\";\nDir::Cache \"%s\";\n"
			   "Acquire::http::Proxy \"http://proxy.example:3128\";\n",
			   parts, dir, dir);
	if (sut_mkdir_p(partial, &err) < 0 || sut_mkdir_p(parts, &err) < 0)
		return -1;
	put("apt.conf", 0644, conf);
	put("parts/a.sources", 0644,
	    "Types: deb\nURIs: http://mirror.example/debian/\nSuites: stable\nComponents: main\n");
	put("parts/b.list", 0644,
	    "deb [arch=amd64] http://php.example/php bookworm main\n"
	    "deb http://sec.example/fixes bookworm-security main\n");
	release_file("mirror.example_debian", "stable", "Debian", "bookworm");
	release_file("php.example_php", "bookworm", "Somebody", "bookworm");
	release_file("sec.example_fixes", "bookworm-security", "Debian", "bookworm-security");
	return setenv("APT_CONFIG", path, 1);
}

static int teardown(void **state)
{
	int r = sut_rm_rf(dir, NULL);

	(void)state;
	unsetenv("APT_CONFIG");
	free(dir);
	return r;
}

static void apt_tells_the_mirrors_of_debian_in_both_forms_of_files(void **state)
{
	_cleanup_(sut_mirrors_release) struct sut_mirrors m = {0}, other = {0};
	struct sut_err err = {0};

	(void)state;
	assert_ok(sut_mirrors_of_host(&m, "bookworm", &err), err);
	assert_string_equal(m.lines.v[0], "deb http://mirror.example/debian bookworm main");
	assert_string_equal(m.lines.v[4], "deb http://sec.example/fixes bookworm-security main");
	assert_int_equal(m.proxies.n, 1);
	assert_string_equal(m.proxies.v[0], "Acquire::http::Proxy \"http://proxy.example:3128\";");
	assert_ok(sut_mirrors_of_host(&other, "trixie", &err), err);
	assert_false(other.own);
}

/* A mmdebstrap that notes how it was called, and cannot reach that mirror. */
static const char script[] =
	"#!/bin/sh\necho \"$*\" >>\"${0%/*}/calls\"\ncase \"$*\" in *mirror.example*) echo no route; exit 1;; esac\n"
	"for a; do case $a in *.tar.new) exec tar -C \"${0%/*}\" -cf \"$a\" apt.conf;; esac; done\n";

static void a_mirror_that_fails_is_replaced(void **state)
{
	_cleanup_(sut_freep) char *root = sut_sprintf("%s/root", dir);
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/root/apt.conf", dir);
	_cleanup_(sut_freep) char *calls = sut_sprintf("%s/calls", dir), *old = NULL, *path = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	struct sut_err err = {0};
	const char *second;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("mmdebstrap", 0755, script);
	old = strdup(getenv("PATH"));
	path = sut_sprintf("%s:%s", dir, old);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_ok(sut_root_unpack(dir, "bookworm", root, NULL, &err), err);
	assert_true(sut_exists(file));
	assert_ok(sut_file_read(calls, &b, &err), err);
	second = strchr(sut_buf_str(&b), '\n') + 1;
	assert_non_null(strstr(sut_buf_str(&b), "deb http://mirror.example/debian bookworm main"));
	assert_null(strstr(second, "mirror.example"));
	assert_non_null(strstr(second, "deb http://deb.debian.org/debian bookworm main"));
	assert_non_null(strstr(second, "--aptopt=Acquire::http::Proxy \"http://proxy.example"));
	/* It is there now. */
	assert_int_equal(unlink(calls), 0);
	assert_ok(sut_root_unpack(dir, "bookworm", root, NULL, &err), err);
	assert_false(sut_exists(calls));
	assert_int_equal(setenv("PATH", old, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_mirror_of_each_codename_counts),
		cmocka_unit_test(without_a_mirror_it_is_deb_debian_org),
		cmocka_unit_test(proxies_are_taken_and_nothing_else),
		cmocka_unit_test_setup_teardown(
			apt_tells_the_mirrors_of_debian_in_both_forms_of_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mirror_that_fails_is_replaced, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
