// SPDX-License-Identifier: Apache-2.0
/*
 * Writes OVAL definitions (5.11.2) of the CVEs that a changelog of Debian's linux package says were fixed: one definition for each, which is
 * true when the package of the running kernel is older than the fix. So a machine can be scanned with its own distribution's knowledge:
 *
 *   make-oval CHANGELOG [OLDEST] >holes.xml
 *   oscap oval eval --results results.xml holes.xml
 *
 * CHANGELOG: /usr/share/doc/linux-image-…/changelog.Debian.gz of the newest package, plain or gzip. OLDEST: only what this version and later
 * ones fixed; without it all that the changelog knows (2,400 CVEs of 6.1 take oscap three seconds).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cve/changelog.h"

#define ID "oval:console.suture.example:"

static const char head[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\"\n"
	"  xmlns:oval=\"http://oval.mitre.org/XMLSchema/oval-common-5\"\n"
	"  xmlns:unix=\"http://oval.mitre.org/XMLSchema/oval-definitions-5#unix\"\n"
	"  xmlns:linux=\"http://oval.mitre.org/XMLSchema/oval-definitions-5#linux\">\n";

/* The running release is collected, and the package of its image has that in its name. */
static const char objects[] =
	" <objects>\n"
	"  <unix:uname_object id=\"" ID "obj:1\" version=\"1\" comment=\"the running kernel\"/>\n"
	"  <linux:dpkginfo_object id=\"" ID "obj:2\" version=\"1\" comment=\"its package\">\n"
	"   <linux:name var_ref=\"" ID "var:1\" var_check=\"at least one\"/>\n"
	"  </linux:dpkginfo_object>\n"
	" </objects>\n";

static const char variables[] =
	" <variables>\n"
	"  <local_variable id=\"" ID "var:1\" version=\"1\" datatype=\"string\" "
	"comment=\"name of the package of the running kernel\">\n"
	"   <concat><literal_component>linux-image-</literal_component>"
	"<object_component object_ref=\"" ID "obj:1\" item_field=\"os_release\"/></concat>\n"
	"  </local_variable>\n"
	" </variables>\n";

static void text(const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '&':
			fputs("&amp;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar(*s);
		}
}

static void generator(const struct sut_changelog *c)
{
	time_t t = (time_t)c->versions[0].released;
	char at[32] = "1970-01-01T00:00:00Z";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf(" <generator><oval:product_name>suture make-oval</oval:product_name>"
	       "<oval:schema_version>5.11.2</oval:schema_version>"
	       "<oval:timestamp>%s</oval:timestamp></generator>\n",
	       at);
}

static void definition(const struct sut_changelog *c, const struct sut_changelog_fix *f)
{
	const char *version = c->versions[f->version].version;

	/* CVE-2026-1234 is number 20261234: the year has always four digits. */
	printf("  <definition class=\"vulnerability\" id=\"" ID "def:%.4s%s\" version=\"1\">"
	       "<metadata><title>%s ",
	       f->cve + 4, f->cve + 9, f->cve);
	text(c->source);
	fputs(": ", stdout);
	text(f->subject);
	fputs("</title><affected family=\"unix\"><platform>Debian GNU/Linux</platform><product>",
	      stdout);
	text(c->source);
	printf("</product></affected><reference source=\"CVE\" ref_id=\"%s\" "
	       "ref_url=\"https://security-tracker.debian.org/tracker/%s\"/><description>",
	       f->cve, f->cve);
	text(f->subject);
	printf("</description></metadata><criteria><criterion test_ref=\"" ID
	       "tst:%zu\" comment=\"",
	       f->version + 1);
	text(c->source);
	printf(" is earlier than 0:");
	text(version);
	puts("\"/></criteria></definition>");
}

static void write_all(const struct sut_changelog *c, size_t nversions)
{
	fputs(head, stdout);
	generator(c);
	puts(" <definitions>");
	for (size_t i = 0; i < c->nfixes; i++)
		if (c->fixes[i].version < nversions)
			definition(c, &c->fixes[i]);
	puts(" </definitions>\n <tests>");
	for (size_t i = 0; i < nversions; i++) {
		printf("  <linux:dpkginfo_test check=\"all\" check_existence=\"at_least_one_exists\" "
		       "comment=\"older than ");
		text(c->versions[i].version);
		printf("\" id=\"" ID "tst:%zu\" version=\"1\"><linux:object object_ref=\"" ID
		       "obj:2\"/><linux:state state_ref=\"" ID
		       "ste:%zu\"/></linux:dpkginfo_test>\n",
		       i + 1, i + 1);
	}
	puts(" </tests>");
	fputs(objects, stdout);
	puts(" <states>");
	for (size_t i = 0; i < nversions; i++) {
		printf("  <linux:dpkginfo_state id=\"" ID
		       "ste:%zu\" version=\"1\"><linux:evr datatype=\"debian_evr_string\" "
		       "operation=\"less than\">0:",
		       i + 1);
		text(c->versions[i].version);
		puts("</linux:evr></linux:dpkginfo_state>");
	}
	puts(" </states>");
	fputs(variables, stdout);
	puts("</oval_definitions>");
}

static int run(const char *path, const char *oldest, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGELOG_MAX);
	_cleanup_(sut_changelog_freep) struct sut_changelog *c = NULL;
	size_t nversions, wanted = 0;
	int r = sut_file_read(path, &b, err);

	if (r == 0)
		r = sut_changelog_parse(b.data, b.len, &c, err);
	if (r < 0)
		return r;
	nversions = c->nversions;
	for (size_t i = 0; oldest && i < c->nversions; i++)
		if (!strcmp(c->versions[i].version, oldest)) {
			nversions = i + 1;
			break;
		}
	if (oldest && (nversions == c->nversions) &&
	    strcmp(c->versions[nversions - 1].version, oldest) != 0)
		return sut_err_set(err, EINVAL, "%s has no version %s: name one of those in it",
				   path, oldest);
	for (size_t i = 0; i < c->nfixes; i++)
		wanted += c->fixes[i].version < nversions;
	if (!wanted)
		return sut_err_set(err, EINVAL, "%s names no CVE%s", path,
				   oldest ? ": name an older version" : "");
	write_all(c, nversions);
	if (fflush(stdout) == EOF || ferror(stdout))
		return sut_err_errno(err, "cannot write");
	return 0;
}

int main(int argc, char **argv)
{
	struct sut_err err = {0};

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: make-oval CHANGELOG [OLDEST]\n");
		return 2;
	}
	if (run(argv[1], argv[2], &err) < 0) {
		fprintf(stderr, "make-oval: %s\n", err.msg);
		return 1;
	}
	return 0;
}
